import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leakGuard, until, virtualClock } from '@dshard/testkit';
import type { HttpServer } from '../../src/http/server.js';
import { seededRandom } from '@dshard/transport';
import { newToken } from '../../src/http/api-tokens.js';
import { testState } from './fake-orchestrator.js';
import { testServer, TOKEN } from './test-server.js';

leakGuard({ beforeEach, afterEach });

/** What a stream has sent so far, and whether it has ended. */
type Stream = { response: IncomingMessage; text: string; ended: boolean; destroy(): void };

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function listening(
  options: Parameters<typeof testServer>[0] = {},
): Promise<Awaited<ReturnType<typeof testServer>> & { address: string }> {
  const made = await testServer(options);
  servers.push(made.server);
  return { ...made, address: await made.server.start() };
}

function openStream(address: string, path = '/v1/events', headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `http://${address}${path}`,
      { agent: false, headers: { accept: 'text/event-stream', ...headers } },
      (response) => {
        const stream: Stream = { response, text: '', ended: false, destroy: () => outgoing.destroy() };
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (stream.text += chunk));
        response.on('close', () => (stream.ended = true));
        response.on('error', () => undefined);
        resolve(stream);
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const idsIn = (stream: Stream): number[] => [...stream.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

describe('GET /v1/events as JSON', () => {
  test('answers with the history after an id', async () => {
    const { server, orchestrator } = await testServer();
    for (const text of ['one', 'two', 'three']) orchestrator.happen(text);
    const all = (await server.app.inject('/v1/events')).json();
    expect(all.map((each: { text: string }) => each.text)).toEqual(['one', 'two', 'three']);
    expect((await server.app.inject('/v1/events?after=2')).json()).toMatchObject([{ id: 3, text: 'three' }]);
    expect((await server.app.inject('/v1/events?after=3')).json()).toEqual([]);
  });

  test('answers with the whole history after an id that was not reached yet, which is of an earlier run without a store', async () => {
    const { server, orchestrator } = await testServer();
    orchestrator.happen('one');
    expect((await server.app.inject('/v1/events?after=900')).json()).toHaveLength(1);
  });

  test.each(['-1', 'x', '1.5', ''])('refuses after=%s and names it', async (after) => {
    const { server } = await testServer();
    const response = await server.app.inject(`/v1/events?after=${after}`);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ Message: expect.stringMatching(/"after"/), Error: true });
  });
});

describe('GET /v1/events as a stream', () => {
  test('is not opened by HEAD, which would hold it for nobody', async () => {
    const { server, orchestrator } = await testServer();
    const headers = { accept: 'text/event-stream' };
    const response = await server.app.inject({ method: 'HEAD', url: '/v1/events', headers });
    expect([response.statusCode, orchestrator.listeners]).toEqual([404, 0]);
  });

  describe('of an API token', () => {
    async function streamOfToken(expiresAt: number | null) {
      const clock = virtualClock();
      const { text, record } = newToken(seededRandom(3));
      const token = { ...record, name: 'ci', role: 'read', createdAt: 1, createdBy: 'test', expiresAt } as const;
      const made = await listening({ token: TOKEN, clock });
      made.orchestrator.state = testState({ apiTokens: new Map([[token.id, token]]) });
      const stream = await openStream(made.address, '/v1/events', { authorization: `Bearer ${text}` });
      const configured = await openStream(made.address, '/v1/events', { authorization: `Bearer ${TOKEN}` });
      made.orchestrator.happen('one');
      await until(() => idsIn(stream).length === 1 && idsIn(configured).length === 1, { what: 'the first event' });
      return { ...made, clock, stream, configured };
    }

    test('ends within seconds when the token is revoked, and those of others go on', async () => {
      const { orchestrator, clock, stream, configured } = await streamOfToken(null);
      await clock.run(5_000);
      expect(orchestrator.listeners).toBe(2);
      orchestrator.state = testState();
      await clock.run(2_000);
      await until(() => stream.ended, { what: 'the stream to end' });
      orchestrator.happen('two');
      await until(() => idsIn(configured).length === 2, { what: 'the event for the other' });
      expect([configured.ended, orchestrator.listeners]).toEqual([false, 1]);
    });

    test('shows nothing any more of what happens after the token was revoked', async () => {
      const { orchestrator, stream } = await streamOfToken(null);
      orchestrator.state = testState();
      orchestrator.happen('a secret');
      await until(() => stream.ended, { what: 'the stream to end' });
      expect(stream.text).not.toContain('a secret');
    });

    test('ends when the token expires', async () => {
      const { clock, stream, orchestrator } = await streamOfToken(virtualClock().now() + 60_000);
      await clock.run(59_000);
      expect(orchestrator.listeners).toBe(2);
      await clock.run(3_000);
      await until(() => stream.ended, { what: 'the stream to end' });
    });
  });

  test('begins with the history and goes on with what happens', async () => {
    const { address, orchestrator } = await listening();
    orchestrator.happen('before');
    const stream = await openStream(address);
    expect(stream.response.headers['content-type']).toMatch(/^text\/event-stream/);
    await until(() => idsIn(stream).length === 1, { what: 'the history' });
    orchestrator.happen('after');
    await until(() => idsIn(stream).length === 2, { what: 'what happened since' });
    const [, data] = [...stream.text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1]!));
    expect(data).toMatchObject({ id: 2, text: 'after', name: 'nodeJoined', level: 'info' });
  });

  test('goes on where the client was', async () => {
    const { address, orchestrator } = await listening();
    for (const text of ['one', 'two', 'three']) orchestrator.happen(text);
    const stream = await openStream(address, '/v1/events', { 'last-event-id': '2' });
    await until(() => idsIn(stream).length > 0, { what: 'an event' });
    expect(idsIn(stream)).toEqual([3]);
  });

  test('shows now and then that it lives', async () => {
    const clock = virtualClock();
    const { address } = await listening({ clock });
    const stream = await openStream(address);
    await until(() => stream.text.includes('hello'), { what: 'the first comment' });
    clock.advance(60_000);
    await until(() => stream.text.split(': still here').length > 3, { what: 'heartbeats' });
    // Comments are no events.
    expect(idsIn(stream)).toEqual([]);
  });

  test('ends when the server closes, which does not wait for it', async () => {
    const { address, server } = await listening();
    const stream = await openStream(address);
    await server.close();
    await until(() => stream.ended, { what: 'the stream to end' });
    await server.close();
  });

  test('lets go of a client that left', async () => {
    const { address, orchestrator } = await listening();
    const stream = await openStream(address);
    expect(orchestrator.listeners).toBe(1);
    stream.destroy();
    await until(() => orchestrator.listeners === 0, { what: 'the server to notice' });
  });

  test('cuts a client off that does not read, so that memory stays bounded', async () => {
    const { address, orchestrator } = await listening();
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write('GET /v1/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n');
    await until(() => orchestrator.listeners === 1, { what: 'the stream' });
    const long = 'x'.repeat(256 * 1024);
    await until(
      () => {
        orchestrator.happen(long);
        return orchestrator.listeners === 0;
      },
      { what: 'the connection to be cut' },
    );
    socket.destroy();
  });

  test('is refused when there are too many already', async () => {
    const { address } = await listening();
    const streams = await Promise.all(Array.from({ length: 128 }, () => openStream(address)));
    const one = await openStream(address);
    expect(one.response.statusCode).toBe(503);
    streams[0]!.destroy();
    await until(
      async () => {
        const next = await openStream(address);
        const { statusCode } = next.response;
        next.destroy();
        return statusCode === 200;
      },
      { what: 'room for another stream' },
    );
    for (const stream of streams) stream.destroy();
    one.destroy();
  });
});
