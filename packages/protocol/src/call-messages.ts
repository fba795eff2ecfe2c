/**
 * Fleet calls (capability `calls`): a node, or an operator, asks every node that runs shards, and hears for each shard
 * exactly one answer.
 *
 *     caller → orch        callStart       what is asked, and of which shards
 *     orch → node          callAsk         asked of a node, for shards that it should have
 *     node → orch          callAnswer      each answer names the shards it speaks for: the ones the node served while it was made
 *     orch → caller        callEnded       the answers, and which shards nobody spoke for, with the reason
 *
 * Shards move meanwhile. Who has which is the orchestrator's to know: where two answers speak for one shard, the one of
 * the node that has the shard now counts, and the other node is asked again; a shard that no answer speaks for is asked
 * for where it has gone to. With `each: 'node'` an answer is about all shards of a node together, so a node may be
 * asked more than once; with `each: 'shard'` each answer is about one shard, and a shard that has answered is not asked
 * again.
 *
 * Arguments and values are JSON, as UTF-8; the orchestrator does not look into them.
 */
import { type Fields, optional, record, required } from './fields.js';
import { MAX_CALL_ARGS_BYTES, MAX_CALL_VALUE_BYTES, MAX_NAME_LENGTH, MAX_SHARDS } from './limits.js';
import { boundedBytes, integer, list, name, nodeId, nodeIdOrEmpty, oneOf, shardId, text } from './wire-types.js';

/** Whether each node answers once for all its shards, or once per shard. */
export const CALL_EACH = ['node', 'shard'] as const;
export type CallEach = (typeof CALL_EACH)[number];

/** What one node says: a value, or why there is none. */
export type CallAnswerEntry = {
  /** For which shards it speaks. */
  shards: readonly number[];
  /** JSON; empty when there is an `error`. */
  value: Uint8Array;
  error: string | null;
};

export type CallStart = {
  kind: 'callStart';
  /** The caller's own. */
  callId: string;
  name: string;
  args: Uint8Array;
  each: CallEach;
  /** Empty: all there are. */
  shards: readonly number[];
  timeoutMs: number;
};

export type CallAsk = {
  kind: 'callAsk';
  askId: string;
  name: string;
  args: Uint8Array;
  each: CallEach;
  shards: readonly number[];
  timeoutMs: number;
};

export type CallAnswer = { kind: 'callAnswer'; askId: string; answers: readonly CallAnswerEntry[] };

export type CallEnded = {
  kind: 'callEnded';
  callId: string;
  answers: readonly (CallAnswerEntry & { nodeId: string })[];
  /** The shards that nobody spoke for; the empty node id: nobody had them. */
  missing: readonly { nodeId: string; shards: readonly number[]; reason: string }[];
  /** Why the call was not made at all. */
  error: string | null;
};

export type CallMessage = CallStart | CallAsk | CallAnswer | CallEnded;

const MAX_TIMEOUT_MS = 600_000;

const id = required('CallID', name(1, MAX_NAME_LENGTH));
const shards = required('Shards', list(shardId, MAX_SHARDS));
const QUESTION = {
  name: required('Name', name(1, MAX_NAME_LENGTH)),
  args: required('Args', boundedBytes(MAX_CALL_ARGS_BYTES)),
  each: required('Each', oneOf(CALL_EACH)),
  shards,
  timeoutMs: required('TimeoutMs', integer(1, MAX_TIMEOUT_MS)),
};
const ANSWER: Fields<CallAnswerEntry> = {
  shards,
  value: required('Value', boundedBytes(MAX_CALL_VALUE_BYTES)),
  error: optional('Error', text, null),
};

export const CALL_FIELDS: {
  readonly callStart: Fields<Omit<CallStart, 'kind'>>;
  readonly callAsk: Fields<Omit<CallAsk, 'kind'>>;
  readonly callAnswer: Fields<Omit<CallAnswer, 'kind'>>;
  readonly callEnded: Fields<Omit<CallEnded, 'kind'>>;
} = {
  callStart: { callId: id, ...QUESTION },
  callAsk: { askId: id, ...QUESTION },
  callAnswer: { askId: id, answers: required('Answers', list(record(ANSWER), MAX_SHARDS)) },
  callEnded: {
    callId: id,
    answers: required('Answers', list(record({ nodeId: required('NodeID', nodeId), ...ANSWER }), MAX_SHARDS)),
    missing: required(
      'Missing',
      list(record({ nodeId: required('NodeID', nodeIdOrEmpty), shards, reason: required('Reason', text) }), MAX_SHARDS),
    ),
    error: optional('Error', text, null),
  },
};
