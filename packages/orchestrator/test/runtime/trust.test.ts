/** Who is let in where a token is set: hand-written peers over real sockets, all of them on loopback. */
import { createHmac } from 'node:crypto';
import { CAPABILITIES, EVENT_IDS, provenBytes } from '@dshard/protocol';
import type { Challenge, Identify, Message, MessageKind, MessageOf, Proof } from '@dshard/protocol';
import { leakGuard, until } from '@dshard/testkit';
import { openMessageConnection, silentLogger, systemClock, systemRandom, tcpTransport } from '@dshard/transport';
import type { ConnectionEnd, MessageConnection } from '@dshard/transport';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OrchestratorOptions } from '../../src/runtime/contract.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { alone } from './alone.js';
import { bareIdentify, identify, NONCE, proofOf } from './peer.js';
import { settings } from './settings.js';

leakGuard({ beforeEach, afterEach });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const TOKEN = '00112233445566778899aabbccddeeff';
const RUNS_NOTHING = { shards: ['vacant', 'vacant', 'vacant', 'vacant'], nodes: [] };
const transport = tcpTransport();

class Peer {
  readonly received: Message[] = [];
  end: ConnectionEnd | null = null;
  readonly #connection: MessageConnection;

  constructor(connection: MessageConnection) {
    this.#connection = connection;
    connection.handle({
      onMessage: (message) => {
        this.received.push(message);
        if (message.kind === 'startShards') connection.send({ kind: 'startShards', shardIds: message.shardIds });
      },
      onClose: (end) => (this.end = end),
    });
  }

  say(message: Message): void {
    this.#connection.send(message);
  }

  leave(): void {
    this.#connection.close({ code: 'DONE', message: 'done' });
  }

  async hears<K extends MessageKind>(kind: K): Promise<MessageOf<K>> {
    await until(() => this.end !== null || this.received.some((each) => each.kind === kind), { what: kind });
    return this.received.find((each): each is MessageOf<K> => each.kind === kind)!;
  }

  async isRefused(): Promise<string | undefined> {
    await until(() => this.end !== null, { what: 'the end of the connection' });
    const [rejected] = this.received.filter((each) => each.kind === 'rejected');
    return rejected?.code;
  }
}

async function orchestrated(more: Partial<OrchestratorOptions> = {}) {
  const orchestrator = createOrchestrator({
    ...alone(),
    token: TOKEN,
    settings: settings({ canLaunch: false }),
    logger: silentLogger,
    listen: '127.0.0.1:0',
    clock: systemClock(),
    random: systemRandom(),
    transport,
    ...more,
  });
  await orchestrator.start();
  cleanups.push(() => orchestrator.close('leave'));
  const peer = async (): Promise<Peer> => {
    const opened = new Peer(openMessageConnection(await transport.connect(orchestrator.address, { timeoutMs: 5_000 })));
    cleanups.push(() => opened.leave());
    return opened;
  };
  /** As a node would do it. @param change what is changed of the proof. */
  const prove = async (
    whole: Identify,
    change: (proof: Proof, challenge: Challenge) => Proof = (proof) => proof,
  ): Promise<Peer> => {
    const opened = await peer();
    opened.say(bareIdentify(whole.nodeId, whole));
    const challenge = await opened.hears('challenge');
    opened.say(change(proofOf(TOKEN, challenge, whole), challenge));
    return opened;
  };
  const world = () => ({
    shards: orchestrator.state.shards.map(({ kind }) => kind),
    nodes: [...orchestrator.state.nodes.keys()],
  });
  return { orchestrator, peer, prove, world };
}

describe('a stranger on loopback', () => {
  test.each<[string, Identify]>([
    ['names everything but a token', identify('bot-1')],
    ['names all but "auth-hmac"', identify('bot-1', { capabilities: CAPABILITIES.filter((c) => c !== 'auth-hmac') })],
    ['claims shards', identify('bot-1', { totalShards: 4, runningShards: [0, 1, 2, 3] })],
    [
      'brings sessions',
      identify('bot-1', {
        totalShards: 4,
        heldSessions: [{ shardId: 0, sessionId: 's', sequence: 1, resumeGatewayUrl: 'wss://evil.example' }],
      }),
    ],
  ])('that %s gets no shard, although it has no token', async (_, hello) => {
    const { peer, world } = await orchestrated();
    const stranger = await peer();
    stranger.say(hello);
    expect(await stranger.isRefused()).toBe('DSO_TOKEN_REFUSED');
    expect(world()).toEqual(RUNS_NOTHING);
  });

  test('that speaks the base level is refused by name unless allowBaseLevelPeers is on, and then has the base level only', async () => {
    const hello = identify('go', { capabilities: [], host: null, pid: null });
    const closed = await orchestrated();
    const refused = await closed.peer();
    refused.say(hello);
    expect(await refused.isRefused()).toBeUndefined();
    expect(closed.world()).toEqual(RUNS_NOTHING);
    expect(closed.orchestrator.history().map(({ text }) => text)).toContainEqual(
      expect.stringContaining('set allowBaseLevelPeers'),
    );

    const open = await orchestrated({
      settings: settings({ canLaunch: false, allowBaseLevelPeers: true, identifyWindowMs: 10 }),
    });
    const go = await open.peer();
    go.say(hello);
    expect(await go.hears('identified')).toMatchObject({ capabilities: [], totalShards: 4 });
    const session = { sessionId: 's', sequence: 1, resumeGatewayUrl: 'wss://evil.example' };
    await until(() => open.world().shards.every((kind) => kind === 'running'), { what: 'running shards' });
    go.say({ kind: 'stopShard', shardId: 0, session });
    go.say({ kind: 'shutdown', final: false, sessions: [{ shardId: 1, ...session }] });
    await until(() => open.orchestrator.state.shards.every(({ kind }) => kind === 'vacant'), { what: 'vacant shards' });
    expect(JSON.stringify(open.orchestrator.state.shards)).not.toContain('evil');
  });

  test('cannot take the place of a node that proved the token, by its id and the base level', async () => {
    const { peer, prove, orchestrator } = await orchestrated({
      settings: settings({ canLaunch: false, allowBaseLevelPeers: true }),
    });
    const node = await prove(identify('bot-1', { instance: '1-1' }));
    await node.hears('identified');
    const stranger = await peer();
    stranger.say(identify('bot-1', { capabilities: [], host: null, pid: null }));
    await stranger.isRefused();
    expect(stranger.received).toEqual([]);
    expect(node.end).toBeNull();
    expect(orchestrator.state.nodes.get('bot-1')).toMatchObject({ instance: '1-1', connection: { kind: 'connected' } });
  });
});

describe('a proof', () => {
  test('lets a node in from the first shard on, and the token is never on the wire', async () => {
    const { orchestrator, prove, world } = await orchestrated();
    const node = await prove(identify('bot-1'));
    expect(await node.hears('identified')).toMatchObject({ nodeId: 'bot-1', totalShards: 4 });
    expect(await node.hears('startShards')).toMatchObject({ shardIds: [0, 1, 2, 3] });
    expect(world().nodes).toEqual(['bot-1']);
    const said = JSON.stringify([node.received, orchestrator.history()], (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(said).not.toContain(TOKEN);
  });

  test('of the orchestrator comes first, so that a node tells nothing to a squatter', async () => {
    const { peer } = await orchestrated();
    const node = await peer();
    const first = bareIdentify('bot-1');
    node.say(first);
    const { nonce, mac } = await node.hears('challenge');
    const { nodeId, capabilities } = first;
    const bytes = provenBytes({ nodeNonce: NONCE, orchestratorNonce: nonce, nodeId, capabilities }, null);
    expect(Buffer.from(mac).toString('hex')).toBe(createHmac('sha256', TOKEN).update(bytes).digest('hex'));
    expect(node.received).toHaveLength(1);
  });

  test.each<[string, (proof: Proof, challenge: Challenge) => Proof]>([
    ['made with another token', (_, challenge) => proofOf('guess', challenge, identify('bot-1'))],
    ['of nothing', (proof) => ({ ...proof, mac: new Uint8Array(32) })],
    ['that is the orchestrator’s own, sent back', (proof, challenge) => ({ ...proof, mac: challenge.mac })],
    [
      'whose Identify was changed on the way',
      (proof, challenge) => ({ ...proof, identify: proofOf('guess', challenge, identify('bot-2')).identify }),
    ],
  ])('%s is refused, and nobody is harmed', async (_, change) => {
    const { prove, world } = await orchestrated();
    const stranger = await prove(identify('bot-1'), change);
    expect(await stranger.isRefused()).toBe('DSO_TOKEN_REFUSED');
    expect(world()).toEqual(RUNS_NOTHING);
  });

  test('that was right once is refused on the next connection: it is replayed, with the nonce of the node as it was', async () => {
    const { prove, orchestrator } = await orchestrated();
    let recorded: Proof | null = null;
    const node = await prove(identify('bot-1'), (proof) => (recorded = proof));
    await node.hears('identified');
    node.leave();
    await until(() => orchestrator.state.nodes.get('bot-1')?.connection.kind === 'disconnected', { what: 'the end' });
    const replayed = await prove(identify('bot-1'), () => recorded!);
    expect(await replayed.isRefused()).toBe('DSO_TOKEN_REFUSED');
    expect(orchestrator.state.nodes.get('bot-1')?.connection.kind).toBe('disconnected');
  });

  test('of a node from which a stranger on the way took a capability is refused', async () => {
    const { peer, world } = await orchestrated();
    const node = await peer();
    const whole = identify('bot-1');
    node.say({ ...bareIdentify('bot-1'), capabilities: ['auth-hmac'] });
    // The node proves what it had said, not what arrived.
    node.say(proofOf(TOKEN, await node.hears('challenge'), whole));
    expect(await node.isRefused()).toBe('DSO_TOKEN_REFUSED');
    expect(world()).toEqual(RUNS_NOTHING);
  });

  test('is all that is heard before a peer is let in: anything else ends its connection', async () => {
    const { peer, orchestrator, world } = await orchestrated();
    const stranger = await peer();
    stranger.say(bareIdentify('bot-1'));
    await stranger.hears('challenge');
    stranger.say({ kind: 'startShards', shardIds: [0, 1, 2, 3] });
    await stranger.isRefused();
    expect(orchestrator.figures().violations).toEqual({ DSO_PROOF_EXPECTED: 1 });
    expect(world()).toEqual(RUNS_NOTHING);
  });

  test('that never comes, because the node has another token, is told by name', async () => {
    const { peer, orchestrator } = await orchestrated();
    const node = await peer();
    node.say(bareIdentify('bot-1'));
    await node.hears('challenge');
    node.leave();
    await until(() => orchestrator.figures().violations['DSO_CHALLENGE_UNANSWERED'] === 1, { what: 'the sentence' });
    expect(orchestrator.history().at(-1)?.text).toMatch(/has another token/u);
  });
});

test('a node with a token hears what to do from an orchestrator that has none', async () => {
  const { peer } = await orchestrated({ token: null });
  const node = await peer();
  node.say(bareIdentify('bot-1'));
  expect(await node.hears('rejected')).toMatchObject({
    code: 'DSO_TOKEN_UNKNOWN',
    message: expect.stringContaining('Give both the same DSO_TOKEN'),
  });
});

test('the ids of the challenge and of the proof are those of the documentation', () => {
  expect([EVENT_IDS.challenge, EVENT_IDS.proof]).toEqual([70, 71]);
});
