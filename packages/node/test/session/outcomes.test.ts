/**
 * Every host call × every way it can end: what the shard becomes, what is said. The table in outcomes.ts, executable.
 */
import { describe, expect, test } from 'vitest';
import type { ShardStateKind } from '../../src/session/state.js';
import { CAPABILITIES } from '@dshard/protocol';
import { Bench, MIGRATION, SESSION, SHARD } from './bench.js';

type Ending = Parameters<Bench['callEnds']>[0];
const OK: Ending = { session: SESSION };
const THREW: Ending = { threw: 'no' };
const LATE: Ending = { timedOut: 'late' };

const TABLE: readonly (readonly [ShardStateKind, string, Ending, ShardStateKind, ...string[]])[] = [
  ['starting', 'ok', OK, 'running', 'send startShards'],
  ['starting', 'threw', THREW, 'stopping', 'send commandFailed', 'call stopShard'],
  ['starting', 'timed out', LATE, 'stopping', 'send commandFailed', 'call stopShard'],
  ['stopping', 'ok', OK, 'absent', 'send stopShard'],
  ['stopping', 'threw', THREW, 'running', 'send commandFailed'],
  ['stopping', 'timed out', LATE, 'running', 'send commandFailed'],
  ['baseFreezing', 'ok', OK, 'baseFrozen', 'send prepareMigration'],
  ['baseFreezing', 'ok without a session', {}, 'unfreezing', 'send commandFailed', 'call unfreeze'],
  ['baseFreezing', 'threw', THREW, 'running', 'send commandFailed'],
  ['baseFreezing', 'timed out', LATE, 'unfreezing', 'send commandFailed', 'call unfreeze'],
  ['baseSending', 'ok', OK, 'baseReleasing', 'call release'],
  ['baseSending', 'threw', THREW, 'unfreezing', 'send commandFailed', 'abortTransfer', 'call unfreeze'],
  ['baseReleasing', 'ok', OK, 'absent', 'send allUserDataSent', 'released'],
  ['baseReleasing', 'threw', THREW, 'stopping', 'send commandFailed', 'call stopShard'],
  ['preparing', 'ok', OK, 'staging', 'send prepareMigration'],
  ['preparing', 'threw', THREW, 'absent', 'abortStaging', 'send commandFailed'],
  ['preparing', 'timed out', LATE, 'absent', 'abortStaging', 'send commandFailed'],
  ['resuming', 'ok', OK, 'running', 'send startShards'],
  ['resuming', 'threw', THREW, 'stopping', 'send commandFailed', 'call stopShard'],
  ['announcing', 'ok', OK, 'announced', 'send shardMayLeave'],
  ['announcing', 'threw', THREW, 'announced', 'send shardMayLeave'],
  ['warming', 'ok', OK, 'warming', 'call preconnect'],
  ['warming', 'threw', THREW, 'absent', 'abortStaging', 'send transferFailed'],
  ['warming', 'timed out', LATE, 'absent', 'abortStaging', 'send transferFailed'],
  ['copying', 'ok', OK, 'copied', 'send transferCopied'],
  ['copying', 'threw', THREW, 'running', 'send transferFailed', 'stays'],
  ['freezing', 'ok', OK, 'sendingDelta', 'call exportDelta'],
  ['freezing', 'ok without a session', {}, 'unfreezing', 'send transferFailed', 'call unfreeze', 'stays'],
  ['freezing', 'threw', THREW, 'running', 'send transferFailed', 'stays'],
  ['freezing', 'timed out', LATE, 'unfreezing', 'send transferFailed', 'call unfreeze', 'stays'],
  ['sendingDelta', 'ok', OK, 'frozen', 'send transferManifest'],
  ['sendingDelta', 'threw', THREW, 'unfreezing', 'send transferFailed', 'abortTransfer', 'call unfreeze', 'stays'],
  ['unfreezing', 'ok', OK, 'running'],
  ['unfreezing', 'threw', THREW, 'stopping', 'call stopShard'],
  ['unfreezing', 'timed out', LATE, 'stopping', 'call stopShard'],
  ['releasing', 'ok', OK, 'released', 'send transferReleased'],
  ['releasing', 'threw', THREW, 'stopping', 'send transferFailed', 'call stopShard'],
  ['releasing', 'timed out', LATE, 'stopping', 'send transferFailed', 'call stopShard'],
  ['opening', 'ok', OK, 'collecting', 'send transferOpened'],
  ['opening', 'threw', THREW, 'absent', 'abortStaging', 'send transferFailed'],
  ['opening', 'timed out', LATE, 'absent', 'abortStaging', 'send transferFailed'],
  ['activating', 'ok', OK, 'running', 'send transferActivated'],
  ['activating', 'threw', THREW, 'stopping', 'send transferFailed', 'call stopShard'],
];

describe('a host call', () => {
  test.each(TABLE.map((row) => [`${row[0]}, ${row[1]} → ${row[3]}`, row] as const))(
    'ends as the table says: %s',
    (_, row) => {
      const [state, , ending, next, ...said] = row;
      const bench = new Bench().established().put(state);
      bench.callEnds(ending);
      expect(bench.kind()).toBe(next);
      expect(bench.said()).toEqual(said);
    },
  );

  test('changes nothing when it is of an earlier time', () => {
    const bench = new Bench().established().put('starting');
    bench.event({ kind: 'callEnded', call: 1, shardIds: [SHARD], outcome: { ok: true, session: null } });
    expect(bench.kind()).toBe('starting');
  });
});

describe('a failure', () => {
  test('leaves the shard stopped, and not ours, when it is one to start', () => {
    const bench = new Bench().established().put('starting');
    bench.callEnds(THREW);
    bench.callEnds(OK);
    expect(bench.kind()).toBe('absent');
    expect(bench.said()).toEqual([]);
  });

  test.each([
    [
      'with a session, and is told that its state is lost',
      SESSION,
      'resuming',
      { method: 'resumeShard', session: SESSION, how: { stateLost: true, redelivers: false } },
    ],
    [
      'in the middle of a replay, which goes on as one',
      { ...SESSION, redelivers: true },
      'resuming',
      { method: 'resumeShard', how: { stateLost: true, redelivers: true } },
    ],
    ['without one', null, 'starting', { method: 'startShards' }],
  ] as const)('is recovered from when a shard was not released in time, %s', (_, session, next, call) => {
    const bench = new Bench().established().put('baseReleasing');
    bench.callEnds(LATE);
    bench.callEnds({ session });
    expect(bench.kind()).toBe(next);
    expect(bench.called()[0]).toMatchObject(call);
    expect('how' in (bench.called()[0] ?? {})).toBe('how' in call);
    bench.callEnds({});
    expect(bench.kind()).toBe('running');
    expect(bench.sent('startShards')).toHaveLength(1);
  });

  // Found by the simulator: the node had named the shard when it connected again in the middle of it, so it was taken
  // to run there for ever.
  test.each([
    ['the base level', [], [{ kind: 'stopShard', shardId: SHARD, session: null }]],
    ['the extended level', CAPABILITIES, []],
  ] as const)(
    'is answered toward %s by saying that the shard does not run, when it is one to resume',
    (_, capabilities, said) => {
      const bench = new Bench().established(capabilities).put('resuming');
      bench.callEnds(THREW);
      bench.callEnds({});
      expect(bench.kind()).toBe('absent');
      expect(bench.sent('stopShard')).toEqual(said);
    },
  );

  test('starts the shard anew when it is one to take it back', () => {
    const bench = new Bench().established().put('released');
    bench.message({ kind: 'startShards', shardIds: [SHARD] });
    bench.callEnds(THREW);
    expect(bench.kind()).toBe('starting');
  });

  test('is not told to a base-level orchestrator, which would not know the message', () => {
    const bench = new Bench().established([]).put('starting');
    bench.callEnds(THREW);
    expect(bench.said()).toEqual(['call stopShard']);
    expect(bench.effects.some((effect) => effect.kind === 'log' && effect.level === 'error')).toBe(true);
  });
});

// Found by the simulator (seed 2935): an operator stopped a shard while it was being activated. The orchestrator called
// the migration off and asked for the stop; the node stopped the shard for the first, and answered the second, without
// a session: nobody knew that an event had been handed over meanwhile, and it came again.
describe('a stop that waits for a migration to be aborted is answered with the cursor', () => {
  test.each([['activating', { kind: 'transferAbort', migrationId: MIGRATION, shardId: SHARD, reason: 'no' }]] as const)(
    'the stop is answered so when the shard is %s',
    (state, abort) => {
      const bench = new Bench().established().put(state);
      bench.message(abort);
      bench.message({ kind: 'stopShard', shardId: SHARD, session: null });
      expect(bench.kind()).toBe('stopping');
      const later = { ...SESSION, sequence: SESSION.sequence + 1 };
      bench.callEnds({ session: later });
      expect(bench.kind()).toBe('absent');
      expect(bench.sent('stopShard')).toEqual([{ kind: 'stopShard', shardId: SHARD, session: later }]);
    },
  );
});
