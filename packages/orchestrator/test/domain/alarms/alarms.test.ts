import { describe, expect, test } from 'vitest';
import {
  alarmsOf,
  ALARMS,
  lookAt,
  NO_ALARMS,
  type AlarmBook,
  type Trouble,
} from '../../../src/domain/alarms/alarms.js';
import { troublesOf, type Facts } from '../../../src/domain/alarms/troubles.js';
import type { OrchestratorState, ShardState } from '../../../src/domain/state/state.js';
import { NO_ROLLOUTS } from '../../../src/domain/state/versions.js';
import { operation, rolloutData, testCrashLoop, testNode, testState } from '../../http/fake-orchestrator.js';
import { World } from '../world.js';

const DAY_MS = 86_400_000;
const NOW = 1_700_000_000_000;

function up(node = 'a'): ShardState {
  return { kind: 'running', node, since: 10, link: { node, phase: 'ready', since: 10, refused: null, reason: null } };
}

function down(changes: { since?: number; refused?: number; reason?: string } = {}): ShardState {
  const { since = NOW - 40_000, refused = null, reason = 'it was closed with 1006' } = changes;
  return { kind: 'running', node: 'a', since: 10, link: { node: 'a', phase: 'disconnected', since, refused, reason } };
}

function stateOf(shards: readonly ShardState[], changes: Partial<OrchestratorState> = {}): OrchestratorState {
  const nodes = new Map([
    ['a', testNode('a')],
    ['b', testNode('b', { version: 'v2' })],
  ]);
  return testState({ totalShards: shards.length, shards, nodes, ...changes });
}

function factsOf(state: OrchestratorState, store: Partial<Facts['store']> = {}): Facts {
  return { state, store: { state: 'open', since: 0, problem: null, ...store }, shardsDownAfterMs: 30_000, now: NOW };
}

/** Connected, and nothing comes. */
function silent(silentMs: number): ShardState {
  const link = { node: 'a', phase: 'ready', since: 10, refused: null, reason: null, silentMs } as const;
  return { kind: 'running', node: 'a', since: 10, link };
}

const { identifies } = testState();
const crashed = {
  crashes: [{ node: 'x', at: 1, version: 'v1', witnessed: true }],
  lostOn: null,
  quarantinedAt: 5,
  liftedFor: null,
};
const vacant: ShardState = { kind: 'vacant', since: NOW, notBefore: 0, known: null };
const fine = [up(), up(), up(), up()];
const REVERTED = { version: 'v2', reported: 'v2', reason: 'it died', at: 1 };
const MANUAL = { ...rolloutData().options, manual: true };

function rollingOut(changes: Parameters<typeof rolloutData>[0]): OrchestratorState['operations'] {
  return new Map([['r1', { ...operation('r1', 1), kind: 'rollout', ...rolloutData(changes) }]]);
}

describe('a trouble is', () => {
  test.each<[key: string, facts: Facts, reason: RegExp]>([
    ['shardsDown', factsOf(stateOf([down(), up(), up(), up()])), /^Shard 0 is down: disconnected \(it was closed with/],
    [
      'gatewayUnreachable',
      factsOf(stateOf([down({ since: NOW }), down({ since: NOW }), down({ since: NOW }), up()])),
      /^3 shards are without a connection to Discord’s gateway, of 4/,
    ],
    [
      'gatewayUnreachable',
      factsOf(
        stateOf(fine, {
          gateway: { kind: 'failed', at: 1, retryAt: 2, failures: 3, reason: 'no route', refused: null },
        }),
      ),
      /failed 3 times in a row: no route/,
    ],
    [
      'credentialsRefused:4014',
      factsOf(stateOf([down({ since: NOW, refused: 4014, reason: 'enable them' }), up(), up(), up()])),
      /^Shard 0 is refused by Discord with close code 4014: enable them\.$/,
    ],
    [
      'shardRefused:4011',
      factsOf(stateOf([down({ since: NOW, refused: 4011, reason: 'too many guilds' }), up(), up(), up()])),
      /4011: too many guilds/,
    ],
    [
      'credentialsRefused',
      factsOf(
        stateOf(fine, {
          gateway: { kind: 'failed', at: 1, retryAt: 2, failures: 1, reason: 'wrong', refused: 'the token is wrong' },
        }),
      ),
      /^the token is wrong\.$/,
    ],
    [
      'shardSilent',
      factsOf(stateOf([silent(900_000), up(), up(), up()])),
      /^Shard 0 has had no event for 15 min, which is unusual/,
    ],
    [
      'shardSilent',
      factsOf(stateOf([silent(900_000), silent(300_000), up(), up()])),
      /^2 shards have had no event for up to 15 min/,
    ],
    [
      'crashLoop',
      factsOf(stateOf(fine, { crashLoops: new Map([['v1', testCrashLoop()]]) })),
      /^3 launched processes died in a row\. The last one: node x exited with code 1\.$/,
    ],
    [
      'crashLoop',
      factsOf(stateOf([up(), up(), up(), vacant], { crashRecords: new Map([[3, crashed]]) })),
      /^Shard 3 is quarantined: .*nodes x died/,
    ],
    [
      'identifyBudgetLow',
      factsOf(
        stateOf(fine, {
          identifies: { ...identifies, budget: { total: 1000, remaining: 20, resetAt: NOW + 1 }, shortSince: null },
        }),
      ),
      /^20 of 1000 session starts are left, and 50 are kept in reserve/,
    ],
    [
      'identifyBudgetForecast',
      factsOf(stateOf(fine, { identifies: { ...identifies, ledger: { used: 600, until: NOW + DAY_MS / 2 } } })),
      /^600 IDENTIFYs in 720 min/,
    ],
    [
      'moreShardsRecommended',
      factsOf(stateOf(fine, { gateway: { kind: 'known', at: 1, recommendedShards: 6 } })),
      /recommends 6 shards, and 4 are/,
    ],
    ['storeSuspended', factsOf(stateOf(fine), { state: 'suspended', problem: 'The disk is full.' }), /disk is full/],
    [
      'orchestratorCutOff',
      factsOf(stateOf(fine, { alarm: { since: 1, silent: ['a', 'b'], hosts: [] } })),
      /^2 nodes are silent/,
    ],
    ['versionSkew', factsOf(stateOf([up('a'), up('b')])), /^2 nodes have shards, of the versions v1, v2/],
    [
      'versionQuarantined',
      factsOf(stateOf(fine, { deployedVersion: 'v2', rollouts: { ...NO_ROLLOUTS, quarantined: [REVERTED] } })),
      /^Version v2 is what launches would start, and it was reverted: it died\.$/,
    ],
    [
      'rolloutsFrozen',
      factsOf(stateOf(fine, { rollouts: { ...NO_ROLLOUTS, quarantined: [REVERTED], frozen: true } })),
      /so none is begun\. The last one: it died\.$/,
    ],
    [
      'rolloutStands',
      factsOf(stateOf(fine, { operations: rollingOut({ phase: 'moving', pausedBy: 'alice' }) })),
      /^Rollout r1 of version v2 goes no further.*: it was paused by alice\.$/,
    ],
    [
      'rolloutStands',
      factsOf(stateOf(fine, { operations: rollingOut({ phase: 'baking', options: MANUAL }) })),
      /waits for somebody to promote/,
    ],
    [
      'nodeIdTaken:a',
      factsOf(stateOf(fine, { takenIds: new Map([['a', { since: 1, at: NOW - 30_000, text: 'It is taken.' }]]) })),
      /taken/,
    ],
  ])('%s', (key, facts, reason) => {
    const troubles = troublesOf(facts);
    expect(troubles.map((trouble) => trouble.key)).toEqual([key]);
    expect(troubles[0]?.reason).toMatch(reason);
  });

  test('every kind of alarm, at least once in the table above, and each says what to do', () => {
    for (const { meaning, remedy } of Object.values(ALARMS)) expect([meaning, remedy].join()).toMatch(/\.,.*\.$/);
  });

  test.each<[what: string, facts: Facts]>([
    ['all shards are up', factsOf(stateOf(fine))],
    ['a shard has been down for a moment only', factsOf(stateOf([down({ since: NOW - 5_000 }), up(), up(), up()]))],
    [
      'shards wait for their turn to IDENTIFY, for however long that takes',
      factsOf(
        stateOf([{ kind: 'running', node: 'a', since: 1 }, up(), up(), up()], {
          identifies: { ...identifies, waiting: [{ node: 'a', shard: 0, since: 1 }] },
        }),
      ),
    ],
    [
      'a second process of a node has given up',
      factsOf(stateOf(fine, { takenIds: new Map([['a', { since: 1, at: 2, text: '' }]]) })),
    ],
    [
      'a manual stage was promoted, and bakes',
      factsOf(stateOf(fine, { operations: rollingOut({ phase: 'baking', options: MANUAL, promoted: true }) })),
    ],
    [
      'another version than the one that was reverted is deployed',
      factsOf(stateOf(fine, { deployedVersion: 'v3', rollouts: { ...NO_ROLLOUTS, quarantined: [REVERTED] } })),
    ],
    [
      'the fleet is being shut down',
      factsOf(stateOf([vacant], { ending: { request: null, deadline: NOW, parking: null } })),
    ],
    [
      'some IDENTIFYs, early in the day',
      factsOf(stateOf(fine, { identifies: { ...identifies, ledger: { used: 90, until: NOW + DAY_MS - 1 } } })),
    ],
  ])('nothing when %s', (_, facts) => {
    expect(troublesOf(facts)).toEqual([]);
  });

  test('a second process with the id of a node, seen by the orchestrator that refuses it', () => {
    const world = new World({ totalShards: 2 }).start();
    world.join({ id: 'a', instance: 'one' });
    world.settle();
    world.join({ id: 'a', instance: 'two' }, { pid: 7, host: 'other' });
    const troubles = troublesOf({ ...factsOf(world.state), now: world.now });
    expect(troubles.map(({ key }) => key)).toContain('nodeIdTaken:a');
    expect(world.recorded('nodeRefused')[0]?.fields).toMatchObject({ node: 'a', code: 'DSO_NODE_ID_TAKEN' });
  });
});

describe('an alarm', () => {
  const trouble = (changes: Partial<Trouble> = {}): Trouble => ({
    key: 'gatewayUnreachable',
    kind: 'gatewayUnreachable',
    since: 100,
    reason: 'It is away.',
    shards: [0],
    nodes: ['a'],
    ...changes,
  });

  /** What rose (`+`) and fell (`-`) at which time; the trouble is there in the given spans. */
  function course(spans: readonly [from: number, to: number][], until: number, kind: Trouble['kind']): string[] {
    let book: AlarmBook = NO_ALARMS;
    const said: string[] = [];
    for (let now = 0; now <= until; now += 1_000) {
      const isThere = spans.some(([from, to]) => now >= from && now < to);
      const step = lookAt(book, isThere ? [trouble({ kind, key: kind })] : [], now);
      book = step.book;
      said.push(...step.raised.map(() => `+${now}`), ...step.cleared.map(() => `-${now}`));
    }
    return said;
  }

  test.each<[what: string, spans: readonly [number, number][], kind: Trouble['kind'], said: string[]]>([
    ['rises when its trouble has lasted', [[0, 30_000]], 'gatewayUnreachable', ['+10000', '-35000']],
    ['does not rise for a trouble that ends before', [[0, 9_000]], 'gatewayUnreachable', []],
    [
      'does not flap with a trouble that comes and goes',
      [
        [0, 20_000],
        [23_000, 30_000],
        [33_000, 40_000],
      ],
      'gatewayUnreachable',
      ['+10000', '-45000'],
    ],
    ['rises at once where there is nothing to wait for', [[2_000, 4_000]], 'storeSuspended', ['+2000', '-4000']],
  ])('%s', (_, spans, kind, said) => {
    expect(course(spans, 60_000, kind)).toEqual(said);
  });

  test('stands with its trouble as that is now, and is told once', () => {
    const first = lookAt(NO_ALARMS, [trouble({ key: 'shardRefused:4011', kind: 'shardRefused' })], 0);
    const changed = trouble({ key: 'shardRefused:4011', kind: 'shardRefused', reason: 'Two.', shards: [0, 1] });
    const second = lookAt(first.book, [changed], 1_000);
    expect([first.raised.length, second.raised.length]).toEqual([1, 0]);
    expect(alarmsOf(second.book)).toMatchObject([{ reason: 'Two.', shards: [0, 1], since: 100, raisedAt: 0 }]);
  });

  test('of level error stands before a warning, and the older one before the younger', () => {
    const { book } = lookAt(
      NO_ALARMS,
      [
        trouble({ key: 'moreShardsRecommended', kind: 'moreShardsRecommended', since: 1 }),
        trouble({ key: 'storeSuspended', kind: 'storeSuspended', since: 50 }),
        trouble({ key: 'crashLoop', kind: 'crashLoop', since: 20 }),
      ],
      0,
    );
    expect(alarmsOf(book).map(({ kind }) => kind)).toEqual(['crashLoop', 'storeSuspended', 'moreShardsRecommended']);
  });
});
