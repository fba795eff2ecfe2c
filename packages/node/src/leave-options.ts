/** How the node leaves: what may be given, what it defaults to, what is refused. */
import { isNodeId, LEAVE_INTENTS, type LeaveIntent } from '@dshard/protocol';
import { invalidOption, refuseUnknownKeys, wholeNumber } from './check-options.js';

/** How `node.leave()` leaves, and the process at SIGTERM. */
export type LeaveOptions = {
  /**
   * How long the process still lives when it is asked to end: whatever ends it (Docker after 10 s, Kubernetes after 30
   * s) waits longer than that. 0–3 600 000 ms. Default DSO_LEAVE_DEADLINE (`8s`, `500ms`, `1m`), or 8 s.
   */
  deadlineMs?: number;
  /**
   * What is to become of the shards. `remove`: other nodes take them. `restart`: this node, or its successor under the
   * same id, is back in a moment. `replace`: the `successor` takes them. `auto`: others, if any has room, else as
   * `restart`. Default `auto`.
   */
  intent?: LeaveIntent;
  /** The node that takes the shards, with the intent `replace`. */
  successor?: string;
};

export type ResolvedLeave = { readonly withinMs: number; readonly intent: LeaveIntent; readonly successor: string };

/** Docker kills after 10 s. */
const DEFAULT_DEADLINE_MS = 8_000;
const RANGE = { min: 0, max: 3_600_000 };
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** Throws `DSO_NODE_OPTIONS_INVALID`. @param fallback what holds where the options say nothing. */
export function resolveLeave(
  where: string,
  options: LeaveOptions,
  fallback: ResolvedLeave = { withinMs: DEFAULT_DEADLINE_MS, intent: 'auto', successor: '' },
): ResolvedLeave {
  refuseUnknownKeys(where, options, ['deadlineMs', 'intent', 'successor']);
  const { intent = fallback.intent, successor = fallback.successor } = options;
  if (!LEAVE_INTENTS.includes(intent)) {
    throw invalidOption(where, 'intent', `is "${intent as string}", but must be one of ${LEAVE_INTENTS.join(', ')}.`);
  }
  if (successor !== '' && !isNodeId(successor))
    throw invalidOption(where, 'successor', `is no node id: "${successor}".`);
  if ((intent === 'replace') !== (successor !== '')) {
    throw invalidOption(where, 'successor', 'names the node that takes the shards, with the intent "replace" only.');
  }
  return {
    withinMs: wholeNumber(where, 'deadlineMs', options.deadlineMs, fallback.withinMs, RANGE),
    intent,
    successor,
  };
}

/** DSO_LEAVE_DEADLINE. */
export function deadlineOf(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(?<amount>\d{1,7}(?:\.\d{1,3})?)\s*(?<unit>ms|s|m)$/u.exec(text.trim());
  const ms = Number(match?.groups?.['amount']) * (UNITS[match?.groups?.['unit'] ?? ''] ?? Number.NaN);
  if (!Number.isNaN(ms)) return Math.round(ms);
  throw invalidOption(where, 'leave.deadlineMs', `(DSO_LEAVE_DEADLINE) is "${text}", but must be a time such as 8s.`);
}
