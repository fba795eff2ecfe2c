/**
 * Every state of a shard × every command of the orchestrator: what it becomes, what is done. `wait`: queued behind the
 * host call.
 */
import type { Message } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import type { ShardStateKind } from '../../src/session/state.js';
import { Bench, SESSION, SHARD } from './bench.js';

const OTHER_SESSION = { ...SESSION, sessionId: 'other' };

const COMMANDS = {
  startShards: { kind: 'startShards', shardIds: [SHARD] },
  stopShard: { kind: 'stopShard', shardId: SHARD, session: null },
  prepareOrigin: { kind: 'prepareMigration', origin: true, shardId: SHARD, session: null },
  prepareDestination: { kind: 'prepareMigration', origin: false, shardId: SHARD, session: SESSION },
  prepareOther: { kind: 'prepareMigration', origin: false, shardId: SHARD, session: OTHER_SESSION },
  startMigration: { kind: 'startMigration', shardId: SHARD },
  allUserDataSent: { kind: 'allUserDataSent', numEvents: 0 },
  userEvent: { kind: 'userEvent', eventId: 100, body: new Uint8Array(10) },
} as const satisfies Record<string, Message>;

type Row = readonly [state: ShardStateKind, command: keyof typeof COMMANDS, next: ShardStateKind, ...said: string[]];

const WAIT = 'wait';
const BUSY = ['starting', 'stopping', 'baseFreezing', 'baseReleasing', 'preparing', 'resuming'] as const;
const QUEUED = [
  'startShards',
  'stopShard',
  'prepareOrigin',
  'prepareDestination',
  'prepareOther',
  'startMigration',
] as const;

const TABLE: readonly Row[] = [
  ['absent', 'startShards', 'starting', 'call startShards'],
  ['absent', 'stopShard', 'absent', 'send stopShard'],
  ['absent', 'prepareOrigin', 'absent', 'send commandFailed'],
  ['absent', 'prepareDestination', 'preparing', 'call prepareTransferTo'],
  ['absent', 'prepareOther', 'preparing', 'call prepareTransferTo'],
  ['absent', 'startMigration', 'absent', 'send commandFailed'],
  ['absent', 'allUserDataSent', 'absent'],
  ['absent', 'userEvent', 'absent'],

  ['running', 'startShards', 'running', 'send startShards'],
  ['running', 'stopShard', 'stopping', 'call stopShard'],
  ['running', 'prepareOrigin', 'baseFreezing', 'call freeze'],
  ['running', 'prepareDestination', 'running', 'send commandFailed'],
  ['running', 'prepareOther', 'running', 'send commandFailed'],
  ['running', 'startMigration', 'running', 'send commandFailed'],
  ['running', 'allUserDataSent', 'running'],
  ['running', 'userEvent', 'running'],

  ['baseFrozen', 'startShards', 'unfreezing', 'call unfreeze', WAIT],
  ['baseFrozen', 'stopShard', 'stopping', 'call stopShard'],
  ['baseFrozen', 'prepareOrigin', 'baseFrozen', 'send prepareMigration'],
  ['baseFrozen', 'prepareDestination', 'baseFrozen', 'send commandFailed'],
  ['baseFrozen', 'prepareOther', 'baseFrozen', 'send commandFailed'],
  ['baseFrozen', 'startMigration', 'baseSending', 'call exportAll'],
  ['baseFrozen', 'allUserDataSent', 'baseFrozen'],
  ['baseFrozen', 'userEvent', 'baseFrozen'],

  ['baseSending', 'startShards', 'unfreezing', 'abortTransfer', 'call unfreeze', WAIT],
  ['baseSending', 'stopShard', 'stopping', 'abortTransfer', 'call stopShard'],
  ['baseSending', 'prepareOrigin', 'baseSending', 'send prepareMigration'],
  ['baseSending', 'prepareDestination', 'baseSending', 'send commandFailed'],
  ['baseSending', 'prepareOther', 'baseSending', 'send commandFailed'],
  ['baseSending', 'startMigration', 'baseSending'],
  ['baseSending', 'allUserDataSent', 'baseSending'],
  ['baseSending', 'userEvent', 'baseSending'],

  ['staging', 'startShards', 'starting', 'abortStaging', 'call startShards'],
  ['staging', 'stopShard', 'absent', 'abortStaging', 'send stopShard'],
  ['staging', 'prepareOrigin', 'staging', 'send commandFailed'],
  ['staging', 'prepareDestination', 'staging', 'send prepareMigration'],
  ['staging', 'prepareOther', 'preparing', 'abortStaging', 'call prepareTransferTo'],
  ['staging', 'startMigration', 'staging', 'send commandFailed'],
  ['staging', 'allUserDataSent', 'resuming', 'call resumeShard'],
  ['staging', 'userEvent', 'staging', 'handleUserEvent'],

  ...BUSY.flatMap((state): Row[] => QUEUED.map((command): Row => [state, command, state, WAIT])).filter(
    ([state, command]) => state !== 'resuming' || command !== 'stopShard',
  ),
  // Discord may be away for long: a resume is cut short.
  ['resuming', 'stopShard', 'stopping', 'call stopShard'],
  ...BUSY.flatMap((state): Row[] => [
    [state, 'allUserDataSent', state],
    [state, 'userEvent', state],
  ]),
];

describe('a shard and a command', () => {
  test.each(TABLE.map((row) => [`${row[0]} + ${row[1]} → ${row[2]}`, row] as const))(
    'end as the table says: %s',
    (_, row) => {
      const [state, command, next, ...said] = row;
      const bench = new Bench().established().put(state);
      bench.message(COMMANDS[command]);
      expect(bench.kind()).toBe(next);
      const waiting = bench.state.waiting.get(SHARD) ?? [];
      expect([...bench.said(), ...waiting.map(() => WAIT)]).toEqual(said);
    },
  );

  test('the table has every state and every command', () => {
    const states = new Set(TABLE.map((row) => row[0]));
    expect(TABLE.length).toBe(states.size * Object.keys(COMMANDS).length);
    expect(new Set(TABLE.map((row) => `${row[0]} ${row[1]}`)).size).toBe(TABLE.length);
  });
});

describe('commands of one shard', () => {
  test('wait for each other, in order', () => {
    const bench = new Bench().established();
    bench.message(COMMANDS.startShards);
    bench.message(COMMANDS.stopShard);
    bench.message(COMMANDS.startShards);
    expect(bench.said()).toEqual([]);
    bench.callEnds({});
    expect(bench.said()).toEqual(['send startShards', 'call stopShard']);
    bench.callEnds({ session: SESSION });
    expect(bench.said()).toEqual(['send stopShard', 'call startShards']);
    expect(bench.sent('stopShard')[0]?.session).toEqual(SESSION);
    bench.callEnds({});
    expect(bench.kind()).toBe('running');
  });

  test('are refused beyond a bound', () => {
    const bench = new Bench({ commandsPerShard: 2 }).established().put('starting');
    bench.message(COMMANDS.stopShard);
    bench.message(COMMANDS.startShards);
    bench.message(COMMANDS.stopShard);
    expect(bench.sent('commandFailed')[0]).toMatchObject({ command: 'stopShard', shardId: SHARD });
    expect(bench.state.waiting.get(SHARD)).toHaveLength(2);
  });

  test('do not wait for those of another shard', () => {
    const bench = new Bench().established().put('starting', 1);
    bench.message({ kind: 'startShards', shardIds: [2] });
    expect(bench.kind(2)).toBe('starting');
  });

  test('are forgotten when their connection is lost', () => {
    const bench = new Bench().established().put('starting');
    bench.message(COMMANDS.stopShard);
    bench.disconnected();
    bench.callEnds({});
    expect(bench.kind()).toBe('running');
    expect(bench.called()).toEqual([]);
  });

  test('are one host call and one answer when they are for several shards', () => {
    const bench = new Bench().established().put('running', 1);
    bench.message({ kind: 'startShards', shardIds: [0, 1, 2, 2] });
    expect(bench.called()).toEqual([{ method: 'startShards', shardIds: [0, 2] }]);
    expect(bench.sent('startShards')).toEqual([{ kind: 'startShards', shardIds: [1] }]);
    bench.callEnds({}, 0);
    expect(bench.sent('startShards')).toEqual([{ kind: 'startShards', shardIds: [0, 2] }]);
  });

  test('are refused for shards that cannot exist', () => {
    const bench = new Bench().established();
    bench.message({ kind: 'startShards', shardIds: [0, 16] });
    expect(bench.called()).toEqual([{ method: 'startShards', shardIds: [0] }]);
    expect(bench.sent('commandFailed')[0]?.message).toBe('There is no shard 16; there are 16.');
  });
});
