/**
 * The demo's verdict: pure arithmetic over what the emulator's ledger emitted, what the bot processes say they handled
 * and what the orchestrator says it moved. Nothing is excused: one IDENTIFY too many, one event lost, repeated or
 * reordered, one failed migration, and it does not hold.
 */
import { durationsOf } from '@dshard/api/trace';
import type { AlarmFigures } from './alarm-tour.js';
import { badRolloutProblems, type BadRolloutCase, type BadRolloutFigures } from './bad-rollout-figures.js';
import { restartProblems, type RestartFigures } from './full-restart-figures.js';
import type { CallFigures } from './fleet-calls.js';
import { haProblems, type HaFigures } from './ha-figures.js';
import { leaveProblems, type LeaveFigures } from './leave-figures.js';
import type { OutageFigures } from './outage-tour.js';
import type { QuarantineFigures } from './quarantine-tour.js';
import { rebalanceProblems, type RebalanceFigures } from './rebalance-tour.js';
import type { StateReport } from './reports.js';
import { MAX_START_RATIO, type StartFigures } from './start-tour.js';

export type CommandFigures = { sent: number; answered: number; twice: number };
export type CacheFigures = { compared: number; different: number };

/** Scenario `state`: however much a shard carries, it is without a session no longer than this. */
const MAX_STATE_GAP_MS = 250;
/** Scenario `crash`: how long a shard is without a session when its node is known to be dead. */
const MAX_TAKEOVER_MS = 3_000;

type Events = {
  emitted: number;
  handled: number;
  lost: number;
  duplicated: number;
  /** Handled again, and marked as such. */
  redelivered: number;
  outOfOrder: number;
};

export type LedgerFigures = Events & {
  identifiesUsed: number;
  /** What the ledger found amiss, a readable line each: examples of lost events, broken rules of Discord. */
  findings: readonly string[];
  /** The same for sessions that were resumed while another connection held them. */
  doubleAttaches: readonly string[];
  /** Per migration: how long the shard had no live session, in milliseconds. */
  gapsMs: readonly number[];
};

export type Verdict = {
  ok: boolean;
  shards: number;
  nodes: number;
  events: Events;
  identifies: { used: number; needed: number };
  /**
   * `gapMs`: without a session. `frozenMs`: without an event for user code, of live moves; of that `handlerWaitMs` is
   * the wait for handlers at work, and `frozenBesideMs` the rest, move by move (`--bot discordjs`).
   */
  migrations: {
    completed: number;
    failed: number;
    gapMs: Spread;
    frozenMs: Spread;
    handlerWaitMs?: Spread;
    frozenBesideMs?: Spread;
  };
  /** Scenario `crash`: shards that were taken over, and how long they were without an owner. */
  takeovers?: { shards: number; withoutOwnerMs: Spread };
  /** Scenario `quarantine`: the shard that killed nodes. */
  quarantine?: QuarantineFigures;
  /** Scenario `alarm`: nodes that seemed dead. */
  alarm?: AlarmFigures;
  /** Scenario `outage`: what status and the alarm said of it. */
  outage?: OutageFigures;
  /** Scenario `rebalance`: how a node got its share. */
  rebalance?: RebalanceFigures;
  /** Calls to the whole fleet while its shards moved. */
  calls?: { made: number; wrong: number };
  /** `--bot discordjs`: all caches against a client that never restarted, and commands during the rollouts. */
  caches?: CacheFigures;
  commands?: CommandFigures;
  /** Scenario `state`: what the shards carried along. */
  state?: { mb: number; bytesMoved: number; wrong: number };
  /** Scenario `start`: how long it took beside what Discord's pace allows. */
  start?: StartFigures;
  /** Scenario `bad-rollout`: for how long moved shards were watched, and how each version fared. */
  bake?: string;
  cases?: readonly BadRolloutCase[];
  /** Scenario `leave`: how the processes ended, and how long their shards had no session. */
  leave?: LeaveFigures;
  /** Scenario `full-restart`. */
  restart?: RestartFigures;
  /** Scenario `ha`: how long nobody led, or nothing could be decided. */
  ha?: HaFigures;
  durationMs: number;
};

export type Spread = { p50: number; p99: number; max: number };

/** How many migrations the steps of a tour asked for, and what else they say of themselves. */
export type TourEnd = {
  /** Fewer completed migrations than this and the tour did not do what it says. */
  migrationsExpected: number;
  /** How calls to the fleet went meanwhile, if any were made. */
  calls?: CallFigures;
  /** How many shards had to be taken over from a node that was killed. */
  takeovers?: { expected: number };
  /**
   * How many shards lost their node: their state is gone, and some of their events may come again, marked. `asleep`: so
   * many from one that stood still, with their connections open.
   */
  losses?: { shards: number; asleep?: number };
  quarantine?: QuarantineFigures;
  alarm?: AlarmFigures;
  outage?: OutageFigures;
  rebalance?: RebalanceFigures;
  badRollout?: BadRolloutFigures;
  discordjs?: DiscordjsFigures;
  leave?: LeaveFigures;
  restart?: RestartFigures;
  ha?: HaFigures;
};

export type VerdictInput = TourEnd & {
  shards: number;
  nodes: number;
  ledger: LedgerFigures;
  /** `handlerWaitMs`: in the order of `frozenMs`; empty where nobody measured. */
  migrations: { completed: number; failed: number; frozenMs: readonly number[]; handlerWaitMs: readonly number[] };
  /**
   * Scenarios `orchestrator-crash` and `ha`: moves under way when it died may have been aborted, and are made again.
   * Scenario `bad-rollout`: a shard whose state is not taken stays.
   */
  mayFail?: boolean;
  /** Shards that came to a node without what they had carried. */
  forgotten: number;
  /** Scenario `state`: megabytes per shard, and what each move brought. */
  state?: { mb: number; reports: readonly StateReport[] };
  /** Scenario `start`. */
  start?: StartFigures;
  durationMs: number;
};

export function judge(input: VerdictInput): { verdict: Verdict; reasons: readonly string[] } {
  const { ledger, migrations, state, start, takeovers, calls, discordjs, quarantine, alarm, outage } = input;
  const { badRollout, leave, rebalance, restart, ha } = input;
  const shardsLost = takeovers?.expected ?? input.losses?.shards ?? 0;
  const { cases } = badRollout ?? {};
  // How many each case of `bad-rollout` may cost is judged case by case.
  const more = cases?.reduce((sum, { identifies }) => sum + identifies, 0) ?? discordjs?.crash.shards ?? 0;
  const needed = input.shards + more;
  const identifiesUsed = ledger.identifiesUsed - ((discordjs ?? leave ?? restart)?.referenceIdentifies ?? 0);
  const gapMs = spreadOf(ledger.gapsMs);
  const bytesMoved = state?.reports.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  const wrong = state?.reports.reduce((sum, each) => sum + each.wrong, 0) ?? 0;
  const reasons = [
    ledger.emitted === 0 && 'no event was emitted',
    ledger.lost > 0 && `${ledger.lost} events were lost`,
    ledger.duplicated > 0 && `${ledger.duplicated} events were handled twice`,
    ledger.redelivered > 0 &&
      shardsLost === 0 &&
      discordjs === undefined &&
      `${ledger.redelivered} events came again, marked, though no node died`,
    ledger.outOfOrder > 0 && `${ledger.outOfOrder} events were handled out of order`,
    ledger.handled !== ledger.emitted && `${ledger.emitted} events were emitted and ${ledger.handled} handled`,
    identifiesUsed !== needed && `${identifiesUsed} IDENTIFYs were used where ${needed} were needed`,
    migrations.failed > 0 && input.mayFail !== true && `${migrations.failed} migrations failed`,
    migrations.completed < input.migrationsExpected &&
      `${migrations.completed} migrations completed where ${input.migrationsExpected} were expected`,
    wrong > 0 && `${wrong} chunks of state came wrong or not at all`,
    state !== undefined &&
      bytesMoved !== state.mb * 2 ** 20 * input.migrationsExpected &&
      `${bytesMoved} bytes of state came where ${input.migrationsExpected} moves of ${state.mb} MB were expected`,
    state !== undefined &&
      gapMs.p99 >= MAX_STATE_GAP_MS &&
      `a shard was without a session for ${gapMs.p99} ms (p99), and ${MAX_STATE_GAP_MS} are allowed`,
    takeovers !== undefined &&
      gapMs.p99 >= MAX_TAKEOVER_MS &&
      `a shard was without an owner for ${gapMs.p99} ms (p99), and ${MAX_TAKEOVER_MS} are allowed`,
    takeovers !== undefined &&
      ledger.gapsMs.length !== takeovers.expected &&
      `${ledger.gapsMs.length} shards were taken over where ${takeovers.expected} were expected`,
    input.forgotten > shardsLost &&
      `${input.forgotten} shards had lost their state, and ${shardsLost} were on a node that died`,
    start !== undefined && start.inWrongWindow > 0 && `${start.inWrongWindow} IDENTIFYs came in the window of another`,
    start !== undefined &&
      start.ratio > MAX_START_RATIO &&
      `the start took ${start.tookMs} ms, ${start.ratio} times what Discord's pace allows; ${MAX_START_RATIO} times are allowed`,
    calls !== undefined && calls.made === 0 && 'the fleet was never asked anything',
    ...(calls?.findings ?? []),
    ...(outage === undefined ? [] : outageProblems(outage, input.shards)),
    ...(rebalance === undefined ? [] : rebalanceProblems(rebalance)),
    ...(badRollout === undefined ? [] : badRolloutProblems(badRollout, input.shards)),
    ...(discordjs === undefined ? [] : problemsOf(discordjs)),
    ...(leave === undefined ? [] : leaveProblems(leave)),
    ...(restart === undefined ? [] : restartProblems(restart)),
    ...(ha === undefined ? [] : haProblems(ha)),
    ...ledger.findings,
    ...ledger.doubleAttaches.slice(input.losses?.asleep ?? 0),
  ].filter((reason) => reason !== false);
  const verdict: Verdict = {
    ok: reasons.length === 0,
    shards: input.shards,
    nodes: input.nodes,
    events: {
      emitted: ledger.emitted,
      handled: ledger.handled,
      lost: ledger.lost,
      duplicated: ledger.duplicated,
      redelivered: ledger.redelivered,
      outOfOrder: ledger.outOfOrder,
    },
    identifies: { used: identifiesUsed, needed },
    migrations: {
      completed: migrations.completed,
      failed: migrations.failed,
      gapMs,
      frozenMs: spreadOf(migrations.frozenMs),
      ...waits(migrations),
    },
    ...(takeovers && { takeovers: { shards: ledger.gapsMs.length, withoutOwnerMs: gapMs } }),
    ...(quarantine && { quarantine }),
    ...(alarm && { alarm }),
    ...(outage && { outage }),
    ...(rebalance && { rebalance }),
    ...(badRollout && { bake: badRollout.bake, cases: badRollout.cases }),
    ...(calls && { calls: { made: calls.made, wrong: calls.wrong } }),
    ...(discordjs && { caches: discordjs.caches, commands: discordjs.commands }),
    ...(leave && { leave }),
    ...(restart && { restart }),
    ...(ha && { ha }),
    ...(start && { start }),
    ...(state && { state: { mb: state.mb, bytesMoved, wrong } }),
    durationMs: Math.round(input.durationMs),
  };
  return { verdict, reasons };
}

function waits({
  frozenMs,
  handlerWaitMs,
}: VerdictInput['migrations']): Pick<Verdict['migrations'], 'handlerWaitMs' | 'frozenBesideMs'> {
  if (handlerWaitMs.length === 0 || handlerWaitMs.length !== frozenMs.length) return {};
  const beside = frozenMs.map((ms, index) => Math.max(0, ms - (handlerWaitMs[index] ?? 0)));
  return { handlerWaitMs: spreadOf(handlerWaitMs), frozenBesideMs: spreadOf(beside) };
}

/** In tenths. */
export function spreadOf(values: readonly number[]): Spread {
  const { p50, p99, max } = durationsOf(values);
  const tenths = (value: number): number => Math.round(value * 10) / 10;
  return { p50: tenths(p50), p99: tenths(p99), max: tenths(max) };
}

/** What `--bot discordjs` adds to the verdict, and what is wrong with it in sentences. */
type DiscordjsFigures = {
  /** Of the fleet against a client that never restarted: after two rollouts, and after a crash. */
  caches: CacheFigures;
  /** While the fleet was rolled out. */
  commands: CommandFigures;
  /** IDENTIFYs that two rollouts cost. */
  rolloutIdentifies: number;
  /** IDENTIFYs of the client that is compared with. */
  referenceIdentifies: number;
  /** Shards of the node that was killed: the caches of each cost an IDENTIFY. */
  crash: { shards: number };
  findings: readonly string[];
};

function outageProblems(outage: OutageFigures, shards: number): string[] {
  const { shownDown, unexplained, alarmRoseMs, alarmFellMs, inHistory } = outage;
  return [
    shownDown < shards && `status showed ${shownDown} of ${shards} shards down with a reason`,
    unexplained > 0 && `status showed ${unexplained} shards down without saying why`,
    alarmRoseMs === null && 'no alarm rose',
    alarmRoseMs !== null && alarmFellMs === null && 'the alarm did not fall',
    !inHistory && 'the alarm is not in the history',
  ].filter((problem) => problem !== false);
}

function problemsOf({ caches, commands, rolloutIdentifies, findings }: DiscordjsFigures): string[] {
  return [
    caches.compared === 0 && 'no cache was compared',
    caches.different > 0 && `${caches.different} of ${caches.compared} fields of the caches are different`,
    commands.sent === 0 && 'no command was sent',
    commands.answered !== commands.sent && `${commands.sent} commands were sent and ${commands.answered} answered`,
    commands.twice > 0 && `${commands.twice} commands were answered more than once`,
    rolloutIdentifies > 0 && `the rollouts cost ${rolloutIdentifies} IDENTIFYs`,
    ...findings,
  ].filter((problem) => problem !== false);
}
