/** `/v1/live` over real sockets: a snapshot, deltas, coming back, and readers that do not read. */
import { request, type IncomingMessage } from 'node:http';
import { applyDelta, type LiveDelta, type LiveSnapshot } from '@dshard/api/live';
import { leakGuard, until, virtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ShardState } from '../../../src/domain/state/state.js';
import type { HttpServer } from '../../../src/http/server.js';
import { testNode, testState } from '../fake-orchestrator.js';
import { testServer, TOKEN } from '../test-server.js';

leakGuard({ beforeEach, afterEach });

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

type Scene = Awaited<ReturnType<typeof testServer>> & { address: string; clock: ReturnType<typeof virtualClock> };

async function listening(shards = 4): Promise<Scene> {
  const clock = virtualClock();
  const made = await testServer({ clock, token: TOKEN });
  servers.push(made.server);
  const state = testState({ totalShards: shards, shards: Array.from({ length: shards }, () => vacant(1)) });
  made.orchestrator.state = { ...state, nodes: new Map([['a', testNode('a')]]) };
  return { ...made, clock, address: await made.server.start() };
}

const vacant = (since: number): ShardState => ({ kind: 'vacant', since, notBefore: 0, known: null });

type Told = { id: string; kind: string; data: unknown };
type Reader = { response: IncomingMessage; told: Told[]; snapshot(): LiveSnapshot; destroy(): void };

function read(address: string, headers: Record<string, string> = {}): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const all = { accept: 'text/event-stream', authorization: `Bearer ${TOKEN}`, ...headers };
    const outgoing = request(`http://${address}/v1/live`, { agent: false, headers: all }, (response) => {
      const told: Told[] = [];
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const [, id, kind, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? [];
          if (id !== undefined) told.push({ id, kind: kind ?? '', data: JSON.parse(data ?? '') });
        }
      });
      response.on('error', () => undefined);
      const snapshot = (): LiveSnapshot =>
        told.reduce(
          (known, { kind, data }) =>
            kind === 'snapshot' ? (data as LiveSnapshot) : applyDelta(known, data as LiveDelta),
          {} as LiveSnapshot,
        );
      resolve({ response, told, snapshot, destroy: () => outgoing.destroy() });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function vacateAnew(scene: Scene, shard: number, since: number): void {
  const { state } = scene.orchestrator;
  const shards = state.shards.map((each, id): ShardState => (id === shard ? vacant(since) : each));
  scene.orchestrator.state = { ...state, shards };
}

/** What was written has gone as far as it goes. */
async function drained(): Promise<void> {
  let turns = 0;
  await until(() => (turns += 1) > 1, { what: 'a turn of the event loop' });
}

const kinds = ({ told }: Reader): string[] => told.map(({ kind }) => kind);

describe('GET /v1/live', () => {
  test('answers with the snapshot alone where no stream is asked for', async () => {
    const { server } = await listening();
    const answer = await server.app.inject({ url: '/v1/live', headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json<LiveSnapshot>()).toMatchObject({
      fleet: { totalShards: 4, version: '9.9.9' },
      nodes: [{ id: 'a' }],
    });
  });

  test('begins with a snapshot, and goes on with what has changed, once for all readers', async () => {
    const scene = await listening();
    const [one, other] = [await read(scene.address), await read(scene.address)];
    await until(() => one.told.length > 0 && other.told.length > 0, { what: 'both snapshots' });
    vacateAnew(scene, 2, 50);
    vacateAnew(scene, 2, 60);
    scene.orchestrator.happen('something happened');
    scene.clock.advance(100);
    await until(() => one.told.length === 2 && other.told.length === 2, { what: 'the delta' });
    expect(kinds(one)).toEqual(['snapshot', 'delta']);
    expect(one.told[1]).toEqual(other.told[1]);
    expect(one.told[1]?.data).toMatchObject({
      shards: { id: [2], since: [60] },
      history: [{ text: 'something happened' }],
    });
    expect(one.snapshot().shards.since).toEqual([1, 1, 60, 1]);
    scene.clock.advance(1_000);
    vacateAnew(scene, 1, 70);
    scene.clock.advance(100);
    await until(() => one.told.length === 3, { what: 'the next delta: nothing came while nothing changed' });
    one.destroy();
    other.destroy();
  });

  test('gives who comes back the deltas that were missed, and who stayed away for too long a snapshot', async () => {
    const scene = await listening();
    const first = await read(scene.address);
    await until(() => first.told.length === 1, { what: 'the snapshot' });
    const seen = first.told[0]?.id ?? '';
    first.destroy();
    vacateAnew(scene, 0, 80);
    scene.clock.advance(100);
    vacateAnew(scene, 1, 90);
    scene.clock.advance(100);
    const back = await read(scene.address, { 'last-event-id': seen });
    await until(() => back.told.length === 2, { what: 'what was missed' });
    expect(kinds(back)).toEqual(['delta', 'delta']);
    back.destroy();
    const nobodyLooks = (): boolean => {
      scene.clock.advance(1_000);
      return scene.orchestrator.listeners === 0;
    };
    await until(nobodyLooks, { what: 'the view to be given up' });
    const late = await read(scene.address, { 'last-event-id': seen });
    await until(() => late.told.length === 1, { what: 'the snapshot' });
    expect(kinds(late)).toEqual(['snapshot']);
    late.destroy();
  });

  test.each(['nonsense', '', '-1', 'abc-999999999999999999', '0-0'])(
    'takes "%s" for the id of another run: it gives a snapshot',
    async (id) => {
      const { address } = await listening();
      const reader = await read(address, { 'last-event-id': id });
      await until(() => reader.told.length === 1, { what: 'the snapshot' });
      expect(kinds(reader)).toEqual(['snapshot']);
      reader.destroy();
    },
  );

  test('keeps little for a reader that does not read, and gives it a snapshot of then when it reads on', async () => {
    const scene = await listening(20_000);
    const slow = await read(scene.address);
    await until(() => slow.told.length === 1, { what: 'the snapshot' });
    slow.response.pause();
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 1; round <= 50; round += 1) {
      const { state } = scene.orchestrator;
      scene.orchestrator.state = { ...state, shards: state.shards.map(() => vacant(round)) };
      scene.clock.advance(100);
      await drained();
    }
    // Each delta has some 800 kB: all of them would be 40 MB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    slow.response.resume();
    await until(() => slow.told.length > 1 && slow.snapshot().shards.since[7] === 50, { what: 'the state of now' });
    expect(kinds(slow).at(-1)).toBe('snapshot');
    expect(kinds(slow).length).toBeLessThan(40);
    slow.destroy();
  });

  test('ends when the server closes', async () => {
    const scene = await listening();
    const reader = await read(scene.address);
    await until(() => reader.told.length === 1, { what: 'the snapshot' });
    let isOver = false;
    reader.response.on('close', () => (isOver = true));
    await scene.server.close();
    await until(() => isOver, { what: 'the end of the stream' });
  });
});
