/**
 * Times that another run wrote. Within a boot of the machine the runs share one line of time, and they mean what they
 * meant. After a restart of the machine they are the machine's clock's, which may have been wrong then, or is now. So
 * nothing that has happened is later than now, and nothing is waited for longer than it would be if it began now.
 */
import { DAY_MS, type Settings } from '../state/settings.js';
import type { CrashRecord, IdentifyBudget } from '../state/state.js';
import type { LeaveRecord, ShardRecord } from './records.js';
import type { KnownSession } from '../state/commands.js';
import type { HostState } from '../state/hosts.js';
import type { CrashLoop } from '../state/processes.js';
import type { RaisedAlarm } from '../state/raised-alarms.js';
import type { EndedOperation, OperationState } from '../state/operations.js';

type Keys = IdentifyBudget['keys'];

export function boundedKeys(keys: Keys, { identifyWindowMs, identifyTimeoutMs }: Settings, now: number): Keys {
  const bounded = Object.entries(keys).map(([key, { holder, freeAt }]) => {
    const longestMs = holder === null ? identifyWindowMs : identifyTimeoutMs;
    return [key, { holder, freeAt: Math.min(freeAt, now + longestMs) }];
  });
  return Object.fromEntries(bounded);
}

type Day = Pick<IdentifyBudget, 'budget' | 'ledger'>;

export function boundedDay({ budget, ledger }: Day, now: number): Day {
  const latest = now + DAY_MS;
  return {
    budget: budget && { ...budget, resetAt: Math.min(budget.resetAt, latest) },
    ledger: { ...ledger, until: Math.min(ledger.until, latest) },
  };
}

export function boundedShard(record: ShardRecord | null, now: number): ShardRecord | null {
  if (record === null) return null;
  if ('parked' in record) {
    const { since, until } = record.parked;
    const from = Math.min(since, now);
    return { ...record, parked: { ...record.parked, since: from, until: Math.min(until, now + (until - since)) } };
  }
  const known = boundedSession(record.known, now);
  if (record.node !== null) return { ...record, known, checkpoint: boundedSession(record.checkpoint, now) };
  const pauseMs = Math.max(0, record.notBefore - record.since);
  return {
    ...record,
    known,
    since: Math.min(record.since, now),
    notBefore: Math.min(record.notBefore, now + pauseMs),
  };
}

export function boundedLeave(leave: LeaveRecord, now: number): LeaveRecord {
  const withinMs = Math.max(0, leave.leaveBy - leave.since);
  return { ...leave, since: Math.min(leave.since, now), leaveBy: Math.min(leave.leaveBy, now + withinMs) };
}

/** The pause that was left is waited for, and no longer one than the longest there is. */
export function boundedCrashLoop(loop: CrashLoop, settings: Settings, now: number): CrashLoop {
  const pauseMs = Math.max(0, loop.notBefore - loop.lastAt);
  const longestMs = Math.max(settings.launchRetryMs, settings.launchRetryMaxMs);
  return {
    ...loop,
    since: Math.min(loop.since, now),
    lastAt: Math.min(loop.lastAt, now),
    notBefore: Math.min(loop.notBefore, now + Math.min(pauseMs, longestMs)),
  };
}

export function boundedAlarm(alarm: RaisedAlarm, now: number): RaisedAlarm {
  return { ...alarm, since: Math.min(alarm.since, now), raisedAt: Math.min(alarm.raisedAt, now) };
}

export function boundedHost({ cordoned, deadSince }: HostState, now: number): HostState {
  return {
    cordoned: cordoned && { ...cordoned, since: Math.min(cordoned.since, now) },
    deadSince: deadSince && Math.min(deadSince, now),
  };
}

function boundedSession(known: KnownSession | null, now: number): KnownSession | null {
  return known && { ...known, at: Math.min(known.at, now) };
}

export function boundedCrashes<R extends Pick<CrashRecord, 'crashes' | 'quarantinedAt'>>(record: R, now: number): R {
  return {
    ...record,
    crashes: record.crashes.map((crash) => ({ ...crash, at: Math.min(crash.at, now) })),
    quarantinedAt: record.quarantinedAt && Math.min(record.quarantinedAt, now),
  };
}

export function boundedOperation<O extends OperationState | EndedOperation>(operation: O, now: number): O {
  const startedAt = Math.min(operation.startedAt, now);
  if (!('outcome' in operation)) return { ...operation, startedAt, ...boundedDeadline(operation, now) };
  return { ...operation, startedAt, endedAt: Math.min(operation.endedAt, now) };
}

function boundedDeadline(operation: OperationState, now: number): { until?: number } {
  if (operation.kind !== 'drain' || operation.until === null) return {};
  return { until: Math.min(operation.until, now + Math.max(0, operation.until - operation.startedAt)) };
}
