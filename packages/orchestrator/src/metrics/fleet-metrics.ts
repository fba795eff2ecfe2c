/** The metrics of shards, of what moves them, and of what they are allowed: budget, operations, alarms. */
import { KINDS_OF_OPERATIONS } from '@dshard/api';
import type { Facts } from '@dshard/api/trace';
import { ALARMS } from '../domain/alarms/alarms.js';
import { CONDITIONS } from '../domain/shards/condition.js';
import { budgetLastsMs, sessionStarts } from '../domain/shards/identify-budget.js';
import { disruptionOf } from '../domain/migration/limits.js';
import { progressOf } from '../domain/operations/operations.js';
import { isCrashLoop } from '../domain/state/processes.js';
import { launchedVersion } from '../domain/state/versions.js';
import { PARK } from '../domain/state/park.js';
import type { OperationState } from '../domain/state/operations.js';
import type { Metrics } from './ledger.js';
import { NO_LABELS, ONE_ZERO, seconds, zerosOf, type Look, type Sample } from './metric.js';
import { counts } from './node-metrics.js';

/** Of pauses, in seconds: a live migration is frozen for some milliseconds, a takeover takes tens of seconds. */
const PAUSE_BOUNDS: readonly number[] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160];
const DURATION_BOUNDS: readonly number[] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];
const BYTE_BOUNDS: readonly number[] = [0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const OUTCOMES = ['done', 'failed', 'cancelled'] as const;

export const FLEET_METRICS: Metrics = {
  dso_shards: {
    kind: 'gauge',
    help: 'Shards by condition. `up`: the gateway session is READY or RESUMED; every other condition is a reason for being down.',
    labels: ['condition'],
    read: ({ notUp, state }) => {
      const up = ownShards(state) - notUp.length;
      const found = counts(
        Object.keys(CONDITIONS).filter((kind) => kind !== 'up'),
        notUp.map(({ condition }) => condition.kind),
      );
      return [[up, 'up'], ...found];
    },
  },
  dso_shards_expected: {
    kind: 'gauge',
    help: 'Shards that are to be up: the total, or those that this orchestrator is responsible for.',
    labels: NO_LABELS,
    read: ({ state }) => [[state.totalShards === null ? null : ownShards(state)]],
  },
  dso_shards_recommended: {
    kind: 'gauge',
    help: 'Shards that Discord recommends.',
    labels: NO_LABELS,
    read: ({ state: { gateway } }) => [[gateway.kind === 'known' ? gateway.recommendedShards : null]],
  },
  dso_shard_longest_down_seconds: {
    kind: 'gauge',
    help: 'For how long the shard that is down for the longest is down; 0: none is.',
    labels: NO_LABELS,
    read: ({ notUp, now }) => [
      [seconds(notUp.reduce((longest, { condition }) => Math.max(longest, now - condition.since), 0))],
    ],
  },
  dso_shards_down_budget: {
    kind: 'gauge',
    help: 'How many shards may be down at once before no further move begins.',
    labels: NO_LABELS,
    read: ({ state }) => [[disruptionOf(state).limit]],
  },
  dso_shard_disconnects_total: {
    kind: 'counter',
    help: 'Shards that lost their gateway connection, as nodes reported.',
    labels: NO_LABELS,
    zeros: ONE_ZERO,
    on: { shardsDisconnected: (facts) => [[facts.numbers('shards').length]] },
  },
  dso_shard_gap_seconds: {
    kind: 'histogram',
    help: 'How long no event of a shard was handled: while it migrated, while it was parked, or from the last known cursor of a node that died or stopped it until another one had resumed it.',
    labels: ['cause'],
    bounds: PAUSE_BOUNDS,
    zeros: zerosOf(['migration', 'parked', 'resume']),
    on: {
      migrationCompleted: gapOf,
      shardRunning: (facts) => [[facts.flag('resumed') ? seconds(facts.number('gapMs')) : null, 'resume']],
    },
  },
  dso_resumes_total: {
    kind: 'counter',
    help: 'Sessions that a node was given to resume, by what came of it: resumed, or identified (Discord refused, so that the events of the gap are lost).',
    labels: ['outcome'],
    zeros: zerosOf(['resumed', 'identified']),
    on: {
      migrationCompleted: (facts) => (isParking(facts) ? [] : resumes(facts.isFalse('resumed'))),
      shardRunning: (facts) =>
        facts.flag('resumed') ? resumes(false) : facts.flag('sessionLost') ? resumes(true) : [],
    },
  },
  dso_takeovers_total: {
    kind: 'counter',
    help: 'Shards taken from a node: dead (its process ended, or somebody said so), or silent for longer than `maxNodeDowntime`.',
    labels: ['reason'],
    zeros: zerosOf(['dead', 'silent']),
    on: {
      nodeGone: (facts, level) => (level === 'warn' ? [[facts.numbers('shards').length, 'dead']] : []),
      shardVacant: (facts) => (facts.text('node') === null ? [[facts.numbers('shards').length, 'silent']] : []),
    },
  },
  dso_shards_quarantined_total: {
    kind: 'counter',
    help: 'Shards that were quarantined.',
    labels: NO_LABELS,
    zeros: ONE_ZERO,
    on: { shardQuarantined: () => [[1]] },
  },
  dso_migrations_running: {
    kind: 'gauge',
    help: 'Migrations under way, by step.',
    labels: ['step'],
    read: ({ state }) =>
      counts(
        STEPS,
        [...state.migrations.values()].map(({ step }) => step.kind),
      ),
  },
  dso_migrations_waiting: {
    kind: 'gauge',
    help: 'Migrations that were asked for and wait for room at their nodes.',
    labels: NO_LABELS,
    read: ({ state }) => [[state.waitingMigrations.length]],
  },
  dso_migrations_total: {
    kind: 'counter',
    help: 'Migrations that ended. `parked`: the orchestrator has the shard for the next node. `sessionLost`: moved, but Discord refused the RESUME. `failed`: the shard is where it was, or is resumed by whoever can.',
    labels: ['outcome'],
    zeros: zerosOf(['moved', 'parked', 'sessionLost', 'failed']),
    on: {
      migrationCompleted: (facts) => [[1, outcomeOf(facts)]],
      migrationFailed: () => [[1, 'failed']],
    },
  },
  dso_migration_duration_seconds: {
    kind: 'histogram',
    help: 'How long a migration took, from its first step until the destination had resumed the session.',
    labels: NO_LABELS,
    bounds: DURATION_BOUNDS,
    zeros: ONE_ZERO,
    on: { migrationCompleted: (facts) => [[seconds(facts.number('durationMs'))]] },
  },
  dso_migration_frozen_seconds: {
    kind: 'histogram',
    help: 'How long a migrated shard was frozen: from FREEZE until the destination had resumed its session.',
    labels: NO_LABELS,
    bounds: PAUSE_BOUNDS,
    zeros: ONE_ZERO,
    on: { migrationCompleted: (facts) => [[seconds(facts.number('frozenMs'))]] },
  },
  dso_migration_replay_seconds: {
    kind: 'histogram',
    help: 'How long the destination took from ACTIVATE until RESUMED: the state is applied, and Discord replays what came meanwhile.',
    labels: NO_LABELS,
    bounds: PAUSE_BOUNDS,
    zeros: ONE_ZERO,
    on: { migrationCompleted: (facts) => [[seconds(facts.number('replayMs'))]] },
  },
  dso_migration_state_bytes: {
    kind: 'histogram',
    help: 'How much state of the bot went with a migrated shard.',
    labels: NO_LABELS,
    bounds: BYTE_BOUNDS,
    zeros: ONE_ZERO,
    on: { migrationCompleted: (facts) => [[facts.number('bytes')]] },
  },
  dso_parked_state_lost_total: {
    kind: 'counter',
    help: 'Parked shards whose state was lost, and spools of an earlier run that nobody needs.',
    labels: NO_LABELS,
    zeros: ONE_ZERO,
    on: { parkedStateLost: () => [[1]] },
  },
  dso_operations_running: {
    kind: 'gauge',
    help: 'Operations under way, by kind.',
    labels: ['kind'],
    read: ({ state }) =>
      counts(
        KINDS_OF_OPERATIONS,
        [...state.operations.values()].map(({ kind }) => kind),
      ),
  },
  dso_operation_progress_ratio: {
    kind: 'gauge',
    help: 'How much of the operations of a kind that are under way is done: shards moved of all that are to move.',
    labels: ['kind'],
    read: (look) => perKind(look, (of) => ratioOf(look, of)),
  },
  dso_operation_waiting: {
    kind: 'gauge',
    help: 'Operations under way of which nothing goes on at the moment: they wait for something.',
    labels: ['kind'],
    read: (look) => perKind(look, (of) => of.filter((each) => progressOf(look.state, each).waitsFor !== null).length),
  },
  dso_operation_running_seconds: {
    kind: 'gauge',
    help: 'For how long the oldest operation of a kind that is under way runs.',
    labels: ['kind'],
    read: (look) => perKind(look, (of) => seconds(Math.max(...of.map(({ startedAt }) => look.now - startedAt)))),
  },
  dso_operations_total: {
    kind: 'counter',
    help: 'Operations that ended, by kind and outcome.',
    labels: ['kind', 'outcome'],
    zeros: KINDS_OF_OPERATIONS.flatMap((kind) => OUTCOMES.map((outcome) => [kind, outcome])),
    on: { operationEnded: (facts) => [[1, facts.text('kind') ?? '', facts.text('outcome') ?? '']] },
  },
  dso_identify_budget_limit: {
    kind: 'gauge',
    help: 'Session starts that Discord grants a day.',
    labels: NO_LABELS,
    read: ({ state, now }) => [[sessionStarts(state, now).total]],
  },
  dso_identify_budget_remaining: {
    kind: 'gauge',
    help: 'Session starts that are left, by Discord’s word and our own count, whichever is less.',
    labels: NO_LABELS,
    read: ({ state, now }) => [[sessionStarts(state, now).remaining]],
  },
  dso_identify_budget_reserve: {
    kind: 'gauge',
    help: 'Session starts that are not granted without an operator’s word.',
    labels: NO_LABELS,
    read: ({ state, now }) => [[sessionStarts(state, now).reserve]],
  },
  dso_identify_budget_reset_time_seconds: {
    kind: 'gauge',
    help: 'When more session starts will be there, in seconds since the Unix epoch; no sample where nothing was spent.',
    labels: NO_LABELS,
    read: ({ state, now, wallClockAheadMs }) => {
      const { resetAt } = sessionStarts(state, now);
      return [[resetAt === null ? null : seconds(resetAt + wallClockAheadMs)]];
    },
  },
  dso_identify_budget_lasts_seconds: {
    kind: 'gauge',
    help: 'How long the session starts last at the pace of the day so far; no sample where none was spent.',
    labels: NO_LABELS,
    read: ({ state, now }) => [[seconds(budgetLastsMs(state, now))]],
  },
  dso_identifies_waiting: {
    kind: 'gauge',
    help: 'Shards that wait for their turn to IDENTIFY.',
    labels: NO_LABELS,
    read: ({ state }) => [[state.identifies.waiting.length]],
  },
  dso_identifies_total: {
    kind: 'counter',
    help: 'Permits to IDENTIFY that were given.',
    labels: NO_LABELS,
    zeros: ONE_ZERO,
    on: { identifyGranted: () => [[1]] },
  },
  dso_alarms: {
    kind: 'gauge',
    help: 'Alarms that stand, by kind.',
    labels: ['alarm', 'level'],
    read: ({ alarms }) =>
      Object.entries(ALARMS).map(([kind, { level }]) => [
        alarms.filter((alarm) => alarm.kind === kind).length,
        kind,
        level,
      ]),
  },
  dso_alarms_raised_total: {
    kind: 'counter',
    help: 'Alarms that were raised, by kind.',
    labels: ['alarm'],
    zeros: zerosOf(Object.keys(ALARMS)),
    on: {
      alarmRaised: (facts) => [[1, facts.text('kind') ?? 'orchestratorCutOff']],
      storeLost: () => [[1, 'storeSuspended']],
    },
  },
  dso_launches_running: {
    kind: 'gauge',
    help: 'Launches of nodes under way.',
    labels: NO_LABELS,
    read: ({ state }) => [[state.launches.size]],
  },
  dso_launches_failed_total: {
    kind: 'counter',
    help: 'Launches of nodes that failed.',
    labels: NO_LABELS,
    zeros: ONE_ZERO,
    on: { launchFailed: () => [[1]] },
  },
  dso_crashes_total: {
    kind: 'counter',
    help: 'Launched processes that ended though nobody asked for it, and launches that failed, by the version that was launched.',
    labels: ['version'],
    read: ({ state }) => [...state.crashLoops.values()].map(({ total, version }) => [total, version]),
  },
  dso_crash_loop: {
    kind: 'gauge',
    help: '1: launched processes of what is deployed die one after the other.',
    labels: NO_LABELS,
    read: ({ state }) => {
      const loop = state.crashLoops.get(launchedVersion(state));
      return [[loop !== undefined && isCrashLoop(loop) ? 1 : 0]];
    },
  },
};

const STEPS = [
  'closing',
  'preparing',
  'transferring',
  'resuming',
  'announcing',
  'openingOrigin',
  'openingDestination',
  'copying',
  'warming',
  'freezing',
  'verifying',
  'releasing',
  'activating',
] as const;

function ownShards({ settings, totalShards }: Look['state']): number {
  return settings.responsibleForShards?.length ?? totalShards ?? 0;
}

function isParking(facts: Facts): boolean {
  return facts.text('destination') === PARK;
}

function gapOf(facts: Facts): Sample[] {
  if (isParking(facts)) return [];
  const parkedMs = facts.number('parkedMs');
  return parkedMs === null ? [[seconds(facts.number('frozenMs')), 'migration']] : [[seconds(parkedMs), 'parked']];
}

function outcomeOf(facts: Facts): string {
  if (isParking(facts)) return 'parked';
  return facts.isFalse('resumed') ? 'sessionLost' : 'moved';
}

function resumes(isRefused: boolean): Sample[] {
  return [[1, isRefused ? 'identified' : 'resumed']];
}

/** Only kinds of which there is one under way: a ratio of nothing says nothing. */
function perKind({ state }: Look, valueOf: (of: readonly OperationState[]) => number | null): Sample[] {
  return KINDS_OF_OPERATIONS.flatMap((kind) => {
    const of = [...state.operations.values()].filter((operation) => operation.kind === kind);
    return of.length === 0 ? [] : [[valueOf(of), kind] as const];
  });
}

function ratioOf({ state }: Look, of: readonly OperationState[]): number | null {
  const progress = of.map((operation) => progressOf(state, operation).shards);
  const total = progress.reduce((sum, shards) => sum + shards.total, 0);
  return total === 0 ? null : progress.reduce((sum, shards) => sum + shards.moved, 0) / total;
}
