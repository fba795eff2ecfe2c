/** Nobody acts on an epoch lower than the highest it has seen: the node's half, state by state. */
import type { Message } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { SHARD_STATES } from '../../src/session/shard-states.js';
import type { ShardStateKind } from '../../src/session/state.js';
import { Bench, SESSION, SHARD } from './bench.js';

const KINDS = Object.keys(SHARD_STATES) as ShardStateKind[];

function identified(orchestratorEpoch: number | undefined): Message {
  const message = { kind: 'identified', totalShards: 16, nodeId: 'a', capabilities: ['epochs'] } as const;
  return { ...message, heartbeatIntervalMs: 0, ...(orchestratorEpoch === undefined ? {} : { orchestratorEpoch }) };
}

describe('an orchestrator', () => {
  test.each([
    ['newer', 8, 'established'],
    ['the same', 7, 'established'],
    ['without epochs', undefined, 'established'],
    ['older', 6, 'waiting'],
  ] as const)('is obeyed unless it is older than one before: %s', (_, epoch, link) => {
    const bench = new Bench().connected();
    bench.message(identified(7));
    bench.put('running');
    bench.disconnected();
    bench.now += 60_000;
    bench.event({ kind: 'tick' });
    bench.connected();
    expect(bench.sent('identify')[0]).toMatchObject({
      orchestratorEpoch: 7,
      runningShards: [SHARD],
      runningEpochs: [0],
    });
    bench.message(identified(epoch));
    expect(bench.state.link.kind).toBe(link);
    expect(bench.kind()).toBe('running');
    expect(bench.said()).toEqual(link === 'waiting' ? ['closeConnection'] : []);
    expect(bench.state.orchestratorEpoch).toBe(Math.max(7, epoch ?? 0));
  });

  // Whoever had said 2^53-1 once was obeyed for ever, and every orchestrator after it refused.
  test.each([
    ['far ahead of the clock', 402 * 86_400_000, 'waiting'],
    ['at the end of the numbers', Number.MAX_SAFE_INTEGER, 'waiting'],
    ['a year ahead of the clock', 365 * 86_400_000, 'established'],
  ])('is not obeyed when its epoch cannot have been given yet: %s', (_, epoch, link) => {
    const bench = new Bench().connected();
    bench.message(identified(epoch));
    expect(bench.state.link.kind).toBe(link);
    const isObeyed = link === 'established';
    expect(bench.state.orchestratorEpoch).toBe(isObeyed ? epoch : 0);
    const codes = bench.effects.flatMap((effect) => (effect.kind === 'log' ? [effect.fields['code']] : []));
    expect(codes).toEqual(isObeyed ? [] : ['DSO_ORCHESTRATOR_EPOCH_IMPOSSIBLE']);
  });

  // A stranger had named the highest epoch that is believed; the real orchestrator counted on from there, and was not.
  test('may count on from the highest that was obeyed, and so may the shards', () => {
    const bench = new Bench().connected();
    const highest = bench.now + 401 * 86_400_000;
    bench.message(identified(highest));
    bench.disconnected();
    bench.now += 60_000;
    bench.event({ kind: 'tick' });
    bench.connected();
    bench.message(identified(highest + 120_000));
    expect(bench.state.link.kind).toBe('established');
    bench.message({ kind: 'startShards', shardIds: [SHARD], epochs: [highest + 120_001] });
    expect(bench.kind()).toBe('starting');
  });

  test('is told apart in the log when it was succeeded, with the way out', () => {
    const bench = new Bench().connected();
    bench.message(identified(7));
    bench.disconnected();
    bench.now += 60_000;
    bench.event({ kind: 'tick' });
    bench.connected();
    bench.message(identified(3));
    const [line] = bench.effects.flatMap((effect) => (effect.kind === 'log' ? [effect] : []));
    expect(line).toMatchObject({ level: 'warn', fields: { code: 'DSO_ORCHESTRATOR_SUPERSEDED' } });
    expect(line?.text).toMatch(/epoch 3.*epoch 7.*End the older orchestrator/u);
  });
});

const COMMANDS: Record<string, (epoch: number) => Message> = {
  startShards: (epoch) => ({ kind: 'startShards', shardIds: [SHARD], epochs: [epoch] }),
  stopShard: (epoch) => ({ kind: 'stopShard', shardId: SHARD, session: null, epoch }),
  prepareMigration: (epoch) => ({ kind: 'prepareMigration', origin: false, shardId: SHARD, session: SESSION, epoch }),
  transferOpen: (epoch) => ({
    kind: 'transferOpen',
    migrationId: 'm9',
    shardId: SHARD,
    role: 'destination',
    session: SESSION,
    freezeTimeoutMs: 0,
    epoch,
  }),
};

describe.each(Object.entries(COMMANDS))('%s', (_, command) => {
  test('is not acted on, and not remembered, when it is of an epoch that nobody can have given', () => {
    const bench = new Bench().established();
    bench.message(command(Number.MAX_SAFE_INTEGER));
    expect([bench.kind(), ...bench.said()]).toEqual(['absent']);
    expect(bench.state.epochs.get(SHARD)).toBeUndefined();
  });

  test.each(KINDS)('is not acted on when it is of an epoch that is over: %s', (kind) => {
    const bench = new Bench().established();
    bench.message(command(20));
    bench.put(kind);
    const stale = command(19);
    if (stale.kind === 'stopShard' && (kind === 'staging' || kind === 'preparing')) return;
    bench.message(stale);
    expect([bench.kind(), ...bench.said()]).toEqual([kind]);
    expect(bench.state.waiting.get(SHARD) ?? []).toEqual([]);
    expect(bench.state.epochs.get(SHARD)).toBe(20);
  });

  test('is acted on when it is of the current epoch or a later one', () => {
    const bench = new Bench().established();
    bench.message(command(20));
    expect(bench.said()).not.toEqual([]);
    for (const epoch of [20, 21]) {
      bench.put('absent');
      bench.message(command(epoch));
      expect(bench.said()).not.toEqual([]);
    }
    expect(bench.state.epochs.get(SHARD)).toBe(21);
  });
});

// An aborted migration left its destination ready for ever: the stop was of the epoch under which the origin has the
// shard, and the destination had seen that of the migration.
test('a stop of an older epoch ends what was only on its way here', () => {
  const bench = new Bench().established();
  const session = SESSION;
  bench.message({ kind: 'prepareMigration', origin: false, shardId: SHARD, session, epoch: 20 });
  bench.callEnds({});
  bench.message({ kind: 'stopShard', shardId: SHARD, session: null, epoch: 19 });
  expect([bench.kind(), ...bench.said()]).toEqual(['absent', 'abortStaging', 'send stopShard']);
  expect(bench.state.epochs.get(SHARD)).toBe(20);
});

/** What a shard does when another node has it. */
const LETS_GO: Record<ShardStateKind, readonly string[]> = {
  absent: ['absent', 'send stopShard'],
  starting: ['stopping', 'call stopShard'],
  running: ['stopping', 'call stopShard'],
  stopping: ['stopping'],
  baseFreezing: ['baseFreezing'],
  baseFrozen: ['stopping', 'call stopShard'],
  baseSending: ['stopping', 'abortTransfer', 'call stopShard'],
  baseReleasing: ['baseReleasing'],
  preparing: ['preparing'],
  staging: ['absent', 'abortStaging', 'send stopShard'],
  resuming: ['stopping', 'call stopShard'],
  announcing: ['stopping', 'endPatience', 'call stopShard'],
  announced: ['stopping', 'call stopShard'],
  offered: ['stopping', 'call stopShard'],
  copying: ['stopping', 'abortTransfer', 'call stopShard'],
  copied: ['stopping', 'call stopShard'],
  freezing: ['freezing'],
  sendingDelta: ['stopping', 'abortTransfer', 'call stopShard'],
  frozen: ['stopping', 'call stopShard'],
  unfreezing: ['unfreezing'],
  releasing: ['releasing'],
  released: ['absent', 'released', 'send stopShard'],
  opening: ['opening'],
  collecting: ['absent', 'abortStaging', 'send stopShard'],
  warming: ['absent', 'abortStaging', 'send stopShard'],
  verified: ['absent', 'abortStaging', 'send stopShard'],
  activating: ['stopping', 'call stopShard'],
};

describe('a shard that was taken over', () => {
  const takenOver = { kind: 'shardTakenOver', shardId: SHARD, epoch: 20 } as const;

  test.each(Object.entries(LETS_GO))('is let go of when it is %s', (kind, expected) => {
    const bench = new Bench().established();
    bench.put(kind as ShardStateKind);
    bench.message(takenOver);
    expect([bench.kind(), ...bench.said()]).toEqual(expected);
    const waits = bench.kind() === kind && kind !== 'absent';
    expect(bench.state.waiting.get(SHARD)?.map(({ command }) => command.kind) ?? []).toEqual(
      waits ? ['shardTakenOver'] : [],
    );
  });

  test.each([
    ['stopped', { session: SESSION }, SESSION],
    ['failing to stop', { threw: 'no' }, null],
  ])('keeps its session, user code is told, and the cursor is told on: %s', (_, outcome, session) => {
    const bench = new Bench().established();
    bench.put('running');
    bench.message(takenOver);
    expect(bench.called()).toEqual([{ method: 'stopShard', shardId: SHARD, keepSession: true }]);
    bench.callEnds(outcome);
    expect(bench.kind()).toBe('absent');
    expect(bench.effects).toContainEqual({ kind: 'released', shardId: SHARD, takenOver: true });
    expect(bench.sent('stopShard')).toEqual([{ kind: 'stopShard', shardId: SHARD, session }]);
  });

  test.each([20, 21])('is not let go of when the node has seen epoch %i', (epoch) => {
    const bench = new Bench().established();
    bench.message({ kind: 'startShards', shardIds: [SHARD], epochs: [epoch] });
    bench.put('running');
    bench.message(takenOver);
    expect([bench.kind(), ...bench.said()]).toEqual(['running']);
  });
});

describe('how a shard comes', () => {
  test.each([
    [undefined, 'absent', undefined],
    ['exact', 'absent', { stateLost: true, redelivers: false }],
    ['checkpoint', 'absent', { stateLost: true, redelivers: true }],
    ['exact', 'released', { stateLost: false, redelivers: false }],
    ['checkpoint', 'released', { stateLost: false, redelivers: true }],
  ] as const)('takeover %s to a node where it is %s tells the host: %o', (takeover, kind, how) => {
    const bench = new Bench().established();
    bench.put(kind);
    const prepare = { kind: 'prepareMigration', origin: false, shardId: SHARD, session: SESSION } as const;
    bench.message(takeover === undefined ? prepare : { ...prepare, takeover, epoch: 20 });
    bench.callEnds({});
    bench.message({ kind: 'allUserDataSent', numEvents: 0 });
    const [call] = bench.called();
    expect(call).toMatchObject({ method: 'resumeShard', session: SESSION });
    expect(call && 'how' in call ? call.how : undefined).toEqual(how);
  });

  // Found by the simulator: it was given back as if this node had handled what came before it, and the next one marked
  // nothing.
  test.each([
    [undefined, SESSION],
    ['exact', SESSION],
    ['checkpoint', { ...SESSION, redelivers: true }],
  ] as const)('takeover %s with a stop before the resume gives back: %o', (takeover, session) => {
    const bench = new Bench().established();
    const prepare = { kind: 'prepareMigration', origin: false, shardId: SHARD, session: SESSION } as const;
    bench.message(takeover === undefined ? prepare : { ...prepare, takeover, epoch: 20 });
    bench.callEnds({});
    bench.message({ kind: 'stopShard', shardId: SHARD, session: null, epoch: 20 });
    expect(bench.sent('stopShard')).toEqual([{ kind: 'stopShard', shardId: SHARD, session }]);
  });

  test('a shard that is taken back after it was released may repeat events', () => {
    const bench = new Bench().established();
    bench.put('released');
    bench.message({ kind: 'startShards', shardIds: [SHARD], epochs: [20] });
    expect(bench.called()).toMatchObject([{ method: 'resumeShard', how: { stateLost: false, redelivers: true } }]);
  });
});
