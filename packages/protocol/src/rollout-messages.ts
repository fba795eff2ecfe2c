/**
 * A node asks for a rollout (capability `rollout`): a bot that was written for ShardingManager respawns all its
 * processes by a command of its own. The answer comes when the rollout has begun or is refused; the node that asked is
 * one of those that are replaced.
 *
 *     node → orch      rolloutRequest
 *     orch → node      rolloutAnswer     Code empty: it has begun, and Message says with which nodes; else why not
 */
import { required, type Fields } from './fields.js';
import { MAX_NAME_LENGTH } from './limits.js';
import { label, name, text } from './wire-types.js';

export type RolloutRequest = {
  kind: 'rolloutRequest';
  /** The node's own, named in the answer. */
  requestId: string;
};

export type RolloutAnswer = { kind: 'rolloutAnswer'; requestId: string; code: string; message: string };

export type RolloutMessage = RolloutRequest | RolloutAnswer;

const requestId = required('RequestID', name(1, MAX_NAME_LENGTH));

export const ROLLOUT_FIELDS: {
  readonly rolloutRequest: Fields<Omit<RolloutRequest, 'kind'>>;
  readonly rolloutAnswer: Fields<Omit<RolloutAnswer, 'kind'>>;
} = {
  rolloutRequest: { requestId },
  rolloutAnswer: {
    requestId,
    code: required('Code', label(MAX_NAME_LENGTH)),
    message: required('Message', text),
  },
};
