/** Whom a node that has a token obeys: hand-written orchestrators and squatters, over real sockets. */
import { EVENT_IDS, decodeMessage, encodeMessage, provenBytes } from '@dshard/protocol';
import type { Identify, Message, MessageOf } from '@dshard/protocol';
import { leakGuard, until } from '@dshard/testkit';
import { macOf, tcpTransport } from '@dshard/transport';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNode } from '../src/index.js';
import type { DshardNode, NodeOptions } from '../src/index.js';
import { FakeHost, SESSION } from './fake-host.js';
import { EXTENDED, FakeOrchestrator } from './fake-orchestrator.js';
import type { Peer } from './fake-orchestrator.js';

leakGuard({ beforeEach, afterEach });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const TOKEN = '00112233445566778899aabbccddeeff';
const NONCE = Uint8Array.from({ length: 32 }, (_, index) => 2 * index);
const YEAR_MS = 365 * 86_400_000;
const transport = tcpTransport();

type Answer = (peer: Peer, message: Message) => void;

/** A node, and who listens where it expects its orchestrator. */
async function meeting(answer: Answer, options: Partial<NodeOptions> = { token: TOKEN }) {
  const listener = new FakeOrchestrator(null);
  const said: Message[] = [];
  listener.onMessage = (peer, message) => {
    said.push(message);
    answer(peer, message);
  };
  const address = await listener.listen(transport, '127.0.0.1:0');
  cleanups.push(() => listener.close());
  const host = new FakeHost();
  const logged: string[] = [];
  const log = (_: unknown, text: string): void => void logged.push(text);
  const node = createNode({
    host,
    nodeId: 'bot-1',
    orchestrator: address,
    logger: { debug: log, info: log, warn: log, error: log },
    limits: { refusedRetryMs: 20, backoffMaxMs: 100 },
    ...options,
  });
  cleanups.push(() => node.close());
  await node.start();
  const first = async (): Promise<Identify> => {
    await until(() => (listener.peers[0]?.received.length ?? 0) > 0, { what: 'Identify' });
    const [message] = listener.peers[0]!.received;
    if (message?.kind !== 'identify') throw new Error('no Identify');
    return message;
  };
  return { listener, address, host, node, logged, said, first };
}

function identified(more: Partial<MessageOf<'identified'>> = {}): Message {
  return { ...EXTENDED, kind: 'identified', nodeId: 'bot-1', ...more };
}

function exchangeWith({ nonce, nodeId, capabilities }: Identify) {
  return { nodeNonce: nonce!, orchestratorNonce: NONCE, nodeId, capabilities };
}

/** As an orchestrator with this token greets. */
function honest(token: string): Answer {
  let first: Identify | null = null;
  return (peer, message) => {
    if (message.kind === 'identify') {
      first = message;
      peer.send({ kind: 'challenge', nonce: NONCE, mac: macOf(token, provenBytes(exchangeWith(message), null)) });
    } else if (message.kind === 'proof' && first !== null) {
      const mac = macOf(token, provenBytes(exchangeWith(first), message.identify));
      if (Buffer.compare(mac, message.mac) === 0) peer.send(identified());
    }
  };
}

/** A question that runs code of whoever asks. */
const EVALUATION: Message = {
  kind: 'callAsk',
  askId: '1',
  name: '$eval',
  args: new TextEncoder().encode(JSON.stringify({ script: '(client) => client.run()' })),
  each: 'node',
  shards: [],
  timeoutMs: 1_000,
};

/** A node that lets the fleet run code. */
function withClient(ran: unknown[]): Partial<NodeOptions> {
  return { token: TOKEN, fleet: { client: { run: () => ran.push('ran') }, evaluate: true } };
}

const isRefused = (logged: readonly string[]): boolean => logged.some((text) => text.includes('_UNPROVEN'));

async function serves(node: DshardNode, host: FakeHost): Promise<void> {
  await until(() => node.status.kind === 'established', { what: 'a connection' });
  await until(() => host.calls.includes('startShards [3]'), { what: 'a shard' });
}

describe('a node with a token', () => {
  test('says first what anybody may know, and the rest, with its proof, only to who proved the token', async () => {
    const meet = await meeting(honest(TOKEN));
    await until(() => meet.node.status.kind === 'established', { what: 'a connection' });
    const { nonce, capabilities, ...bare } = await meet.first();
    expect(nonce).toHaveLength(32);
    expect(capabilities).toContain('auth-hmac');
    const nothing = { runningShards: [], totalShards: 0, heldSessions: [], host: null, pid: null };
    expect(bare).toEqual({ kind: 'identify', version: 'unknown', nodeId: 'bot-1', logicVersion: 2, ...nothing });
    const [, proof] = meet.listener.peer.received;
    if (proof?.kind !== 'proof') throw new Error('no proof');
    expect(decodeMessage(EVENT_IDS.identify, proof.identify)).toMatchObject({ pid: process.pid, capabilities });
    const bytes = Buffer.concat(meet.listener.peer.received.map((message) => encodeMessage(message)));
    expect(bytes.includes(TOKEN)).toBe(false);
  });

  test('draws another nonce for each connection', async () => {
    const meet = await meeting((peer) => peer.cut());
    await until(() => meet.said.length >= 3, { what: 'three attempts' });
    const nonces = meet.said.map(
      (message) => message.kind === 'identify' && Buffer.from(message.nonce!).toString('hex'),
    );
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  test.each<[string, Answer]>([
    ['proves nothing', (peer) => peer.send(identified())],
    ['names a later epoch', (peer) => peer.send(identified({ orchestratorEpoch: Date.now() + YEAR_MS }))],
    ['speaks the base level', (peer) => peer.send(identified({ capabilities: [] }))],
    ['has another token', honest('ffffffffffffffffffffffffffffffff')],
    [
      'sends the nonce of the node back as a proof',
      (peer, message) => {
        if (message.kind === 'identify') peer.send({ kind: 'challenge', nonce: message.nonce!, mac: message.nonce! });
      },
    ],
    [
      'makes the proof that is for nodes',
      (peer, message) => {
        if (message.kind !== 'identify') return;
        const mac = macOf(TOKEN, provenBytes(exchangeWith(message), new Uint8Array(0)));
        peer.send({ kind: 'challenge', nonce: NONCE, mac });
      },
    ],
  ])('refuses an orchestrator by name that %s, and obeys the real one afterwards', async (_, squatter) => {
    const real = honest(TOKEN);
    let answer: Answer = squatter;
    const meet = await meeting((peer, message) => answer(peer, message));
    await until(() => isRefused(meet.logged), { what: 'a refusal' });
    expect(meet.host.calls).toEqual([]);
    expect(meet.said.every(({ kind }) => kind === 'identify')).toBe(true);
    answer = (peer, message) => {
      real(peer, message);
      if (message.kind === 'proof') peer.send({ kind: 'startShards', shardIds: [3] });
    };
    await serves(meet.node, meet.host);
  });

  test('takes no command, no question and no shutdown before the proof, while it runs shards, either', async () => {
    const evaluated: unknown[] = [];
    const real = honest(TOKEN);
    const commands: Message[] = [
      { kind: 'startShards', shardIds: [1] },
      EVALUATION,
      { kind: 'shutdown', final: true, sessions: [] },
      { kind: 'shardTakenOver', shardId: 3, epoch: Date.now() },
    ];
    const squatter: Answer = (peer) => commands.forEach((command) => peer.send(command));
    let answer: Answer = (peer, message) => {
      real(peer, message);
      if (message.kind === 'proof') peer.send({ kind: 'startShards', shardIds: [3] });
    };
    const meet = await meeting((peer, message) => answer(peer, message), withClient(evaluated));
    await serves(meet.node, meet.host);
    const { length } = meet.host.calls;
    answer = squatter;
    meet.listener.peer.cut();
    await until(() => meet.logged.some((text) => text.includes('shardTakenOver')), { what: 'the last command' });
    expect(meet.host.calls.slice(length)).toEqual([]);
    expect(evaluated).toEqual([]);
    expect([meet.node.status.kind, meet.node.shards.get(3)]).toEqual(['connecting', 'running']);
  });

  test('tells the way out to who uses it', async () => {
    const meet = await meeting((peer) => peer.send(identified({ capabilities: [] })));
    await until(() => isRefused(meet.logged), { what: 'a refusal' });
    expect(meet.logged.join()).toMatch(/same DSO_TOKEN.*allowBaseLevelOrchestrator.*which process listens/u);
  });
});

describe('a base-level orchestrator', () => {
  test('is obeyed with allowBaseLevelOrchestrator, with nothing but the base level, whatever it names', async () => {
    const evaluated: unknown[] = [];
    const meet = await meeting(
      (peer, message) => {
        if (message.kind !== 'identify') return;
        peer.send(identified({ orchestratorEpoch: Date.now() + YEAR_MS, heartbeatIntervalMs: 10 }));
        peer.send({ kind: 'resumeShards', shards: [{ shardId: 4, ...SESSION, takeover: 'exact' }] });
        peer.send({ kind: 'startShards', shardIds: [3] });
      },
      { ...withClient(evaluated), allowBaseLevelOrchestrator: true },
    );
    await serves(meet.node, meet.host);
    meet.listener.peer.send(EVALUATION);
    await until(() => meet.logged.some((text) => text.includes('callAsk')), { what: 'a question that is not heard' });
    expect(evaluated).toEqual([]);
    expect(meet.host.calls).toEqual(['sessionEstablished 16', 'startShards [3]']);
    expect(meet.node.status).toMatchObject({ capabilities: [] });
    // It knows no other place where these could stand.
    meet.listener.peer.cut();
    await until(() => meet.listener.peers.length > 1 && meet.listener.peer.received.length > 0, { what: 'Identify' });
    expect(meet.listener.peer.received[0]).toMatchObject({ runningShards: [3], totalShards: 16 });
    expect(meet.listener.peer.received[0]).not.toHaveProperty('orchestratorEpoch');
  });

  test('is obeyed by a node that has no token', async () => {
    const meet = await meeting((peer, message) => {
      if (message.kind !== 'identify') return;
      peer.send(identified({ capabilities: [] }));
      peer.send({ kind: 'startShards', shardIds: [3] });
    }, {});
    await serves(meet.node, meet.host);
    expect(await meet.first()).not.toHaveProperty('nonce');
  });
});
