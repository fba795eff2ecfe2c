/** Who is let in, what a node that comes back is believed, and how the total is decided. */
import { describe, expect, test } from 'vitest';
import { CAPABILITIES } from '@dshard/protocol';
import type { Identify } from '@dshard/protocol';
import type { Peer } from '../../../src/domain/state/events.js';
import { DOMAIN_ERRORS } from '../../../src/domain/state/errors.js';
import { ModelNode } from '../model-node.js';
import { World, nearby } from '../world.js';

const faraway: Peer = { remote: '10.0.0.7', loopback: false, proof: 'right' };
const stranger: Peer = { ...nearby, proof: 'none' };
const nonce = new Uint8Array(32);

describe('a peer that is refused', () => {
  test.each<{
    why: string;
    code: string;
    identify?: Partial<Identify>;
    peer?: Peer;
    settings?: object;
    base?: boolean;
  }>([
    { why: 'another logic version', code: 'DSO_LOGIC_VERSION', identify: { logicVersion: 3 } },
    {
      why: 'a proof with another token',
      code: 'DSO_TOKEN_REFUSED',
      identify: { nonce },
      peer: { ...nearby, proof: 'wrong' },
      settings: { tokenRequired: true },
    },
    { why: 'no proof', code: 'DSO_TOKEN_REFUSED', peer: stranger, settings: { tokenRequired: true } },
    { why: 'a token where there is none', code: 'DSO_TOKEN_UNKNOWN', identify: { nonce }, peer: stranger },
    {
      why: 'a base-level peer on loopback',
      code: 'DSO_BASE_LEVEL_REFUSED',
      peer: stranger,
      base: true,
      settings: { tokenRequired: true },
    },
    { why: 'a node id with a slash', code: 'DSO_NODE_ID_INVALID', identify: { nodeId: '../etc' } },
    { why: 'another total', code: 'DSO_TOTAL_SHARDS_MISMATCH', identify: { totalShards: 8 } },
    { why: 'a shard beyond the total', code: 'DSO_IDENTIFY_INVALID', identify: { totalShards: 4, runningShards: [4] } },
    { why: 'shards without a total', code: 'DSO_IDENTIFY_INVALID', identify: { runningShards: [0] } },
    { why: 'a total that would take all memory', code: 'DSO_IDENTIFY_INVALID', identify: { totalShards: 2 ** 40 } },
  ])(
    'is told of $why, its connection is closed, and nobody else is harmed',
    ({ code, identify, peer, settings, base }) => {
      const world = new World(settings).start();
      world.join('good');
      world.settle();
      const before = { shards: world.state.shards, nodes: world.state.nodes };
      world.join({ id: 'bad', baseLevel: base ?? false }, identify, peer);
      world.settle();
      expect(world.closed.map((closed) => closed.code)).toEqual([code]);
      const rejected = world.sent.map(({ message }) => message).filter(({ kind }) => kind === 'rejected');
      expect(rejected).toEqual(base === true ? [] : [expect.objectContaining({ code })]);
      expect({ shards: world.state.shards, nodes: world.state.nodes }).toEqual(before);
      expect(world.recorded('nodeRefused')).toHaveLength(1);
      expect(Object.keys(DOMAIN_ERRORS)).toContain(code);
    },
  );

  // Who left out the capability of the token was taken for a base-level peer, and was let in without the
  // token, with all other capabilities.
  test.each<[string, Partial<Identify>]>([
    ['all capabilities but "auth-hmac"', { capabilities: CAPABILITIES.filter((each) => each !== 'auth-hmac') }],
    ['one capability', { capabilities: ['calls'] }],
    ['a capability that nobody knows', { capabilities: ['teleport'] }],
    ['no capability, but a process', { host: 'web', pid: 7 }],
    ['no capability, but an instance', { instance: '7-1' }],
    ['no capability, but a nonce', { nonce }],
    ['no capability, but epochs', { totalShards: 4, runningShards: [0], runningEpochs: [2 ** 50] }],
    ['no capability, but a later orchestrator', { orchestratorEpoch: 1 }],
    [
      'no capability, but a held session',
      { totalShards: 4, heldSessions: [{ shardId: 1, sessionId: 's', sequence: 9, resumeGatewayUrl: '' }] },
    ],
  ])('is one on loopback that names %s and does not prove the token that is set', (_, identify) => {
    const world = new World({ tokenRequired: true, allowBaseLevelPeers: true }).start();
    world.join('good');
    world.settle();
    const before = { shards: world.state.shards, nodes: world.state.nodes };
    world.join({ id: 'bad', baseLevel: true }, identify, stranger);
    world.settle();
    expect(world.closed.map((closed) => closed.code)).toEqual(['DSO_TOKEN_REFUSED']);
    expect({ shards: world.state.shards, nodes: world.state.nodes }).toEqual(before);
  });

  test('is let in with a right proof, from anywhere', () => {
    const world = new World({ tokenRequired: true }).start();
    world.join('a', { capabilities: ['calls'] }, faraway);
    expect(world.closed).toEqual([]);
    expect([...world.state.nodes.keys()]).toEqual(['a']);
  });

  test('is let in where the rules allow it', () => {
    const world = new World({ allowBaseLevelPeers: true, tokenRequired: true }).start();
    world.join({ id: 'go', baseLevel: true }, {}, { ...faraway, proof: 'none' });
    world.join('ours');
    expect(world.closed).toEqual([]);
    expect([...world.state.nodes.keys()]).toEqual(['go', 'ours']);
  });
});

describe('a node that joins', () => {
  test('hears what is on between both, and nothing it did not offer', () => {
    const world = new World().start();
    world.join({ id: 'a', capabilities: ['auth-hmac', 'heartbeat', 'teleport'] });
    expect(world.sentTo('a', 'identified')).toEqual([
      {
        kind: 'identified',
        totalShards: 4,
        nodeId: 'a',
        capabilities: ['auth-hmac', 'heartbeat'],
        heartbeatIntervalMs: 5000,
      },
    ]);
  });

  test('is given an id that nobody else has when it brings none', () => {
    const world = new World().start();
    world.join('node-1');
    const node = world.join('', { nodeId: '' });
    world.settle();
    expect(node.id).not.toBe('');
    expect(node.id).not.toBe('node-1');
    expect([...world.state.nodes.keys()]).toEqual(['node-1', node.id]);
  });

  test('takes the place of an older connection with the same id, which is closed', () => {
    const world = new World().start();
    const node = world.join('a');
    world.settle();
    const older = node.connection;
    world.connect(node);
    world.settle();
    expect(world.closed).toEqual([{ connection: older, code: 'DSO_NODE_REPLACED' }]);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
    // The close of the older connection is reported late, and is not the new one's.
    world.feed({ kind: 'connectionClosed', connection: older ?? '', reason: 'closed' });
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('is told to stop the shards that another connected node has; the other keeps them', () => {
    const world = new World().start();
    world.join('a');
    world.settle();
    const late = world.join('b', { totalShards: 4, runningShards: [1, 2] });
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.sentTo('b', 'shardTakenOver').map((message) => 'shardId' in message && message.shardId)).toEqual([
      1, 2,
    ]);
    expect(world.recorded('shardConflict')).toHaveLength(2);
    world.settle();
    expect(late.running.size).toBe(0);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
  });
});

describe('an orchestrator that was restarted', () => {
  test('learns from the nodes before it acts: nothing is started, nothing stopped', () => {
    const world = new World({ totalShards: null, expectedNodes: ['a', 'b'], canLaunch: true, nodes: 2 }).start();
    const a = { totalShards: 4, runningShards: [0, 2] };
    world.join('a', a);
    world.settle();
    expect(world.state.graceUntil).not.toBeNull();
    world.join('b', { totalShards: 4, runningShards: [1, 3] });
    world.settle();
    expect(world.state.graceUntil).toBeNull();
    expect(world.placement()).toEqual({ a: [0, 2], b: [1, 3] });
    expect(world.sent.filter(({ message }) => message.kind !== 'identified')).toEqual([]);
    expect(world.recorded('nodeLaunching')).toEqual([]);
  });

  test('does not wait for a node whose process is known to be gone', () => {
    const world = new World({ expectedNodes: ['a', 'b'] }).start();
    world.join('a', { totalShards: 4, runningShards: [0] });
    world.feed({ kind: 'processExited', node: 'b', description: 'exited' });
    world.settle();
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('waits for the grace when it cannot know which nodes there are, then starts what is missing', () => {
    const world = new World({ expectedNodes: null }).start();
    const a = world.join('a', { totalShards: 4, runningShards: [0] });
    a.running.add(0);
    world.pass(9_999);
    expect(world.placement()).toEqual({ a: [0] });
    world.pass(1);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('skips the grace for a small bot', () => {
    const world = new World({ expectedNodes: null, skipStartupGraceMaxShards: 4 }).start();
    world.join('a');
    world.settle();
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('resumes a session a node holds, on that node, when nobody runs the shard', () => {
    const world = new World({ expectedNodes: ['holder', 'other'] }).start();
    const session = { sessionId: 's', sequence: 9, resumeGatewayUrl: '' };
    const model = world.join('holder', { totalShards: 4, heldSessions: [{ shardId: 1, ...session }] });
    world.join('other', { totalShards: 4, runningShards: [0, 2, 3] });
    world.settle();
    expect(world.placement()).toEqual({ holder: [1], other: [0, 2, 3] });
    expect(model.resumes).toEqual([1]);
    expect(model.identifies).toEqual([]);
  });

  test('tells a node that holds the session of a shard somebody runs to drop it', () => {
    const world = new World({ expectedNodes: ['a', 'b'] }).start();
    world.join('a', { totalShards: 4, runningShards: [0, 1, 2, 3] });
    world.join('b', {
      totalShards: 4,
      heldSessions: [{ shardId: 1, sessionId: 's', sequence: 9, resumeGatewayUrl: '' }],
    });
    expect(world.sentTo('b', 'stopShard')).toMatchObject([{ shardId: 1 }]);
  });
});

describe('the total', () => {
  test('is what a running node says, though another one is configured', () => {
    const world = new World({ totalShards: 8, expectedNodes: null }).start();
    world.join('a', { totalShards: 4, runningShards: [0] });
    expect(world.state.totalShards).toBe(4);
    expect(world.recorded('totalShardsDecided')[0]).toMatchObject({ level: 'warn' });
  });

  test('is asked of Discord after the grace; nodes that wait are told then', () => {
    const world = new World({
      totalShards: null,
      expectedNodes: null,
      gateway: { shards: 3, maxConcurrency: 1 },
    }).start();
    world.join('a');
    world.settle();
    expect(world.state.nodes.get('a')?.connection.kind).toBe('awaitingTotal');
    expect(world.sentTo('a')).toEqual([]);
    world.pass(10_000);
    expect(world.state.totalShards).toBe(3);
    expect(world.sentTo('a', 'identified')).toHaveLength(1);
  });

  test('is asked for again, with growing pauses, when Discord does not answer', () => {
    const world = new World({ totalShards: null, gateway: null }).start();
    world.join('a');
    world.pass(32_000);
    expect(world.state.totalShards).toBeNull();
    expect(world.recorded('gatewayInfoFailed').map(({ fields }) => fields['retryMs'])).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000,
    ]);
    world.gateway = { shards: 2, maxConcurrency: 1 };
    world.pass(32_000);
    expect(world.placement()).toEqual({ a: [0, 1] });
  });

  test('is not believed when it cannot be', () => {
    const world = new World({ totalShards: null, gateway: { shards: 0, maxConcurrency: 1 } }).start();
    expect(world.state.totalShards).toBeNull();
    expect(world.state.gateway.kind).toBe('failed');
  });
});

/** Two processes with one node id took it from each other for ever, and their shards were quarantined. */
describe('a second process with the node id of one that is connected', () => {
  const onA = { pid: 11, host: 'host-a' };
  const onB = { pid: 22, host: 'host-b' };

  function twins(second: Partial<Identify> = onB) {
    const world = new World().start();
    const first = world.join('web', onA);
    world.pass(30_000);
    const other = new ModelNode({ id: 'web' });
    const connection = world.connect(other, { totalShards: 4, ...second });
    world.settle();
    return { world, first, other, connection };
  }

  test('is refused for now, by a sentence that names both, and the first one serves on', () => {
    const { world, first, connection } = twins();
    expect(world.closed).toEqual([{ connection, code: 'DSO_NODE_ID_TAKEN' }]);
    const [rejected] = world.sent.map(({ message }) => message).filter(({ kind }) => kind === 'rejected');
    expect(rejected).toMatchObject({ retryable: true });
    expect(rejected).toMatchObject({
      message: expect.stringMatching(
        /web is that of process 11 on host-a, which is connected; this is process 22 on host-b/,
      ),
    });
    expect(world.truth()).toEqual({ web: [0, 1, 2, 3] });
    expect(world.state.nodes.get('web')).toMatchObject({ instance: first.instance, connection: { kind: 'connected' } });
    expect(world.recorded('nodeReplaced')).toEqual([]);
  });

  test('is told so when it is in the same process', () => {
    const { world } = twins(onA);
    const [rejected] = world.sent.map(({ message }) => message).filter(({ kind }) => kind === 'rejected');
    expect(rejected).toMatchObject({ message: expect.stringMatching(/^This process has a node web already/) });
  });

  test('is let in when the first is gone, or has said goodbye', () => {
    const { world, first, other } = twins();
    world.kill(first, { noticed: false });
    world.connect(other, { totalShards: 4, ...onB });
    expect(world.state.nodes.get('web')).toMatchObject({ instance: other.instance, connection: { kind: 'connected' } });
    other.ended = false;
    world.pass(30_000);
    other.send({ kind: 'shutdown', final: false, sessions: [] });
    world.settle();
    const third = world.join('web', { pid: 33, host: 'host-b' });
    expect(world.state.nodes.get('web')).toMatchObject({ instance: third.instance, intent: { kind: 'serving' } });
  });

  test('takes the place of its older connection when it is the same process that came back', () => {
    const { world, first } = twins();
    world.connect(first, onA);
    world.settle();
    expect(world.closed.map(({ code }) => code)).toEqual(['DSO_NODE_ID_TAKEN', 'DSO_NODE_REPLACED']);
    expect(world.truth()).toEqual({ web: [0, 1, 2, 3] });
  });

  test.each([
    ['base-level', { id: 'web', baseLevel: true }],
    ['older', { id: 'web', instance: null }],
  ])('replaces the first, as it always did, when it is of a %s process', (_, options) => {
    const world = new World().start();
    world.join(options, { totalShards: 4 });
    world.settle();
    world.connect(new ModelNode(options), { totalShards: 4 });
    expect(world.closed.map(({ code }) => code)).toEqual(['DSO_NODE_REPLACED']);
  });
});

test('a host that waits for handlers longer than a shard may be frozen is refused, and both settings are named', () => {
  const world = new World({ freezeTimeoutMs: 5_000 }).start();
  const bounds = { lingerMs: 0, patienceMs: 0, readyMs: 0, handlersMs: 5_000 };
  world.join('slow', { bounds });
  world.settle();
  expect(world.closed).toMatchObject([{ code: 'DSO_BOUNDS_IMPOSSIBLE' }]);
  expect(world.recorded('nodeRefused')[0]?.text).toMatch(/5000 ms.*timeouts\.handlersMs.*5000 ms \(timeouts\.freeze\)/);
});
