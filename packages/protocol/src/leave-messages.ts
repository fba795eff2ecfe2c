/**
 * A node asks to leave (capability `leave`): SIGTERM came, or the bot says so. It serves on while others take its
 * shards, and keeps its own deadline: what it still has shortly before that is closed with the session kept.
 *
 *     node → orch      leave             again on a later connection, and with less time when it is in a hurry
 *     orch → node      shutdown          nothing more can be moved in time: stop what is left
 *     node → orch      shutdown          the cursors of what it stopped
 *     orch → node      shutdownNoted     they are durable: whoever resumes these shards, misses nothing
 */
import { required, type Fields } from './fields.js';
import { count, integer, nodeIdOrEmpty, oneOf } from './wire-types.js';

/**
 * What is to become of the shards. `remove`: others take them. `restart`: the node is back in a moment, or nobody else
 * has room. `replace`: the successor takes them. `auto`: others if there are any, else as `restart`.
 */
export const LEAVE_INTENTS = ['auto', 'remove', 'restart', 'replace'] as const;
export type LeaveIntent = (typeof LEAVE_INTENTS)[number];

export type Leave = {
  kind: 'leave';
  /** How long the process still lives. Milliseconds. */
  withinMs: number;
  intent: LeaveIntent;
  /** With the intent `replace`: the node that takes the shards. Empty otherwise. */
  successor: string;
};

/** `cursors`: how many it was told. */
export type ShutdownNoted = { kind: 'shutdownNoted'; cursors: number };

export type LeaveMessage = Leave | ShutdownNoted;

export const LEAVE_FIELDS: {
  readonly leave: Fields<Omit<Leave, 'kind'>>;
  readonly shutdownNoted: Fields<Omit<ShutdownNoted, 'kind'>>;
} = {
  leave: {
    withinMs: required('WithinMs', integer(0, 2 ** 31 - 1)),
    intent: required('Intent', oneOf(LEAVE_INTENTS)),
    successor: required('Successor', nodeIdOrEmpty),
  },
  shutdownNoted: { cursors: required('Cursors', count) },
};
