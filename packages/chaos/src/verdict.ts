/**
 * The verdict: pure arithmetic over what the emulator's ledger says, and over the windows that say which fault was on.
 * Nothing is lost, ever; nothing is repeated but what is marked, after a node was lost, and the one event that a
 * process was stopped in the middle of; no IDENTIFY but where there was no session; and in the calm every planned move
 * is done.
 */
import type { SessionHistory, Verdict as LedgerVerdict } from '@dshard/gateway-emulator';
import type { Ms } from '@dshard/transport';
import type { Repeat } from './event-watch.js';
import type { FaultCost, FaultName } from './fault-kinds.js';
import type { LeaderFigures } from './hosts/leader-watch.js';
import type { Move } from './moves.js';
import { costOf, describeWindow, type Window, type Windows } from './windows.js';

export type Verdict = {
  ok: boolean;
  seed: number;
  minutes: number;
  /** How often each was done. */
  faults: Partial<Record<FaultName, number>>;
  /** Operations that operators asked for and that were done. */
  moves: number;
  events: { emitted: number; handled: number; lost: number; repeatedMarked: number; repeatedUnmarked: number };
  identifies: { used: number; needed: number };
  /** With several hosts. */
  hosts?: number;
  leaders?: LeaderFigures;
};

export type VerdictInput = {
  seed: number;
  minutes: number;
  shards: number;
  ledger: LedgerVerdict;
  sessions: readonly SessionHistory[];
  windows: Windows;
  repeats: readonly Repeat[];
  lost: readonly { id: string; shard: number; window: Window }[];
  moves: readonly Move[];
  severalHosts?: { hosts: number; leaders: LeaderFigures };
  /** What went wrong in a way that is no event's. */
  failures: readonly string[];
};

/** As many findings of a kind are told one by one. */
const TOLD = 8;

export function judge(input: VerdictInput): { verdict: Verdict; reasons: string[] } {
  const { ledger, windows, moves, seed, minutes, sessions, shards } = input;
  const lost = ledger.lost + ledger.missed;
  const ended = sessions.flatMap(({ events }) => events.filter((event) => event.kind === 'ended'));
  const needed = shards + ended.filter(({ reason }) => !reason.startsWith('closed by the client')).length;
  const { used } = ledger.identifies;
  const where = (at: Ms): string => describeWindow(windows.at(at));
  const late = finishedLate(input.repeats, windows);
  const unpaidRepeats = input.repeats.filter(
    (repeat) => !late.has(repeat) && (!repeat.marked || !costOf(windows.at(repeat.at)).mayRepeat),
  );
  const unmarked = ledger.duplicated - late.size;
  const reasons = [
    ...input.failures,
    ...((input.severalHosts?.leaders.most ?? 0) > 1 ? ['two orchestrators led at one moment'] : []),
    ...(ledger.emitted === 0 ? ['no event was emitted'] : []),
    ...(lost > 0 ? [`${lost} events were lost`] : []),
    ...told(input.lost, ({ id, shard, window }) => `lost: event ${id} of shard ${shard}, in ${describeWindow(window)}`),
    ...(unmarked > 0 ? [`${unmarked} events were repeated without the mark`] : []),
    ...told(
      unpaidRepeats.toSorted((a, b) => Number(a.marked) - Number(b.marked)),
      ({ id, shard, node, before, beforeMarked, agoMs, marked, at }) =>
        `repeated${marked ? ', marked, though no node was lost' : ' without the mark'}: event ${id} of shard ${shard}, by ${node}, ${agoMs} ms after ${before}${beforeMarked ? ' (marked)' : ''}, in ${where(at)}`,
    ),
    ...(ledger.outOfOrder > 0 ? [`${ledger.outOfOrder} events were handled out of order`] : []),
    ...(ledger.unexpected > 0 ? [`${ledger.unexpected} events were handled that were never emitted`] : []),
    ...(used === needed ? [] : [`${used} IDENTIFYs were used where ${needed} were needed`]),
    ...(used === needed ? [] : begunLate(sessions, windows)),
    ...told(
      ledger.violations.filter(({ kind, at }) => !isPaid(kind, costOf(windows.at(at)))),
      ({ kind, message, at }) => `a rule of Discord was broken (${kind}) in ${where(at)}: ${message}`,
    ),
    ...told(
      moves.filter(({ failure, startedAt, endedAt }) => failure !== null && windows.wereCalm(startedAt, endedAt)),
      ({ text, failure, startedAt }) => `a planned move failed in ${where(startedAt)}: ${text}: ${failure}`,
    ),
  ];
  const verdict: Verdict = {
    ok: reasons.length === 0,
    seed,
    minutes,
    faults: counted(windows.all),
    moves: moves.filter(({ failure }) => failure === null).length,
    events: {
      emitted: ledger.emitted + ledger.missed,
      handled: ledger.handled,
      lost,
      repeatedMarked: ledger.redelivered,
      repeatedUnmarked: ledger.duplicated,
    },
    identifies: { used, needed },
    ...input.severalHosts,
  };
  return { verdict, reasons };
}

function isPaid(kind: string, { mayDoubleAttach, mayMissHeartbeats }: FaultCost): boolean {
  return (kind === 'double-attach' && mayDoubleAttach) || (kind === 'heartbeat-timeout' && mayMissHeartbeats);
}

/** One in each fault that may cost one. */
function finishedLate(repeats: readonly Repeat[], windows: Windows): ReadonlySet<Repeat> {
  const first = new Map<Window, Repeat>();
  for (const repeat of repeats) {
    const window = windows.at(repeat.at);
    if (!repeat.marked && costOf(window).finishesLate && !first.has(window)) first.set(window, repeat);
  }
  return new Set(first.values());
}

function counted(windows: readonly Window[]): Verdict['faults'] {
  const counts: Verdict['faults'] = {};
  for (const { name } of windows) if (name !== 'calm') counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Sessions that were begun after the shard's first one. */
function begunLate(sessions: readonly SessionHistory[], windows: Windows): string[] {
  const begun = sessions.flatMap(({ shard, events }) =>
    events.flatMap((event) =>
      event.kind === 'attached' && event.resumedFrom === null ? [{ shard, at: event.at }] : [],
    ),
  );
  const seen = new Set<number>();
  return told(
    begun.toSorted((a, b) => a.at - b.at).filter(({ shard }) => seen.has(shard) || seen.add(shard) === null),
    ({ shard, at }) => `shard ${shard} began a new session in ${describeWindow(windows.at(at))}`,
  );
}

function told<T>(findings: readonly T[], tell: (finding: T) => string): string[] {
  const rest = findings.length - TOLD;
  return [...findings.slice(0, TOLD).map(tell), ...(rest > 0 ? [`… and ${rest} more of these`] : [])];
}
