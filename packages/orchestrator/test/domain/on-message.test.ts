/** What nodes say that they may not, or more of it than there is. */
import type { Message, ShardReport } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { World, nearby } from './world.js';

const session = { sessionId: 'made-up', sequence: 1, resumeGatewayUrl: '' };

function report(shardId: number, epoch = 0): ShardReport {
  return { shardId, phase: 'ready', pingMs: 1, guilds: 1, events: 1, session, epoch };
}

function heartbeat(shards: readonly ShardReport[]): Message {
  const process = { memoryBytes: 1, cpuPercent: 1, eventLoopDelayMs: 1, uptimeMs: 1 };
  return { kind: 'heartbeat', sequence: 1, shards, process };
}

/** Node `a` has all four shards; `liar` has none. */
function fleet(baseLevel: boolean): { world: World; tell: (message: Message) => void } {
  const world = new World({ tokenRequired: true, allowBaseLevelPeers: true, totalShards: 4 }).start();
  world.join('a');
  world.settle();
  const liar = world.join({ id: 'liar', baseLevel }, {}, { ...nearby, proof: baseLevel ? 'none' : 'right' });
  world.settle();
  world.entries.length = 0;
  return {
    world,
    tell: (message) => {
      liar.send(message);
      world.settle();
    },
  };
}

describe('a base-level peer, which proved no token', () => {
  const transfer = { migrationId: 'm1', shardId: 0 };
  const call = {
    callId: '1',
    name: '$value',
    args: new Uint8Array(0),
    each: 'node',
    shards: [],
    timeoutMs: 9,
  } as const;
  const messages: readonly Message[] = [
    heartbeat([report(0, 2_000_000), report(1, Number.MAX_SAFE_INTEGER)]),
    { kind: 'identifyRequest', shardId: 0 },
    { kind: 'identifyFinished', shardId: 0, ready: true },
    { kind: 'commandFailed', command: 'startShards', shardId: 0, message: 'x' },
    { kind: 'callStart', ...call },
    { kind: 'callAnswer', askId: '1', answers: [] },
    { kind: 'transferFailed', ...transfer, step: 'open', reason: 'x' },
    { kind: 'transferActivated', ...transfer, resumed: true },
  ];

  // Only Identify was asked for the token: what came after was taken from everybody, heartbeats with epochs of shards
  // among it.
  test.each(messages.map((message) => ({ kind: message.kind, message })))(
    'is not heard with $kind',
    ({ kind, message }) => {
      const { world, tell } = fleet(true);
      const { shards, assignments, nextEpoch, identifies, calls } = world.state;
      const sent = world.sent.length;
      tell(message);
      expect(world.state).toMatchObject({ shards, assignments, nextEpoch, identifies, calls });
      expect(world.sent.slice(sent)).toEqual([]);
      const [violation] = world.recorded('protocolViolation');
      expect(violation?.text).toMatch(new RegExp(`^Node liar sent ${kind}: it did not name the capability`, 'u'));
    },
  );
});

describe('a list that is longer than the fleet', () => {
  const many = Array.from({ length: 250_000 }, (_, shard) => shard);

  // Each id that there is no shard for was told by itself, to the log, the history and all who follow them.
  test('is told once when it is of shards that were started', () => {
    const { world, tell } = fleet(false);
    tell({ kind: 'startShards', shardIds: many });
    tell({ kind: 'startShards', shardIds: many.map(() => 0) });
    expect(world.recorded('protocolViolation').map(({ text }) => text)).toEqual([
      'Node liar sent startShards: there is no shard 4.',
    ]);
    expect(world.recorded('shardConflict')).toHaveLength(5);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('is kept to one report for each shard', () => {
    const { world, tell } = fleet(false);
    tell(heartbeat(many.map((shard) => report(shard % 8))));
    expect(world.state.nodes.get('liar')?.shardReports.map(({ shardId }) => shardId)).toEqual([0, 1, 2, 3]);
    expect(world.recorded('shardConflict')).toHaveLength(4);
  });
});
