/**
 * Invariant 9: no message is sent before the record that justifies it is durable. Looked up on the disk at the moment the orchestrator
 * writes to a socket: a shard's epoch, the destination's right to it before its origin closes the session, the permit to identify.
 */
import type { Message } from '@dshard/protocol';
import type { Observation } from '../observation.js';
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'no message is sent before the record that justifies it is durable';

type Kept = Extract<Observation, { kind: 'said' }>['kept'];

export const durableFirst: MakeChecker = ({ plan, violated }): Checker => ({
  see: (observation) => {
    if (observation.kind !== 'said' || !plan.durable) return;
    const { message, kept } = observation;
    const lacking = lackingFor(message, kept);
    if (lacking !== null) violated(SENTENCE, `${message.kind} was sent, and the disk did not have ${lacking}`);
  },
});

/** What the message says and the disk does not know; null: it knows all of it. */
function lackingFor(message: Message, kept: Kept): string | null {
  if (message.kind === 'startShards') {
    const { shardIds, epochs = [] } = message;
    const early = shardIds.find((shard, index) => (epochs[index] ?? 0) > epochKept(kept, shard));
    return early === undefined ? null : `the epoch of shard ${early}`;
  }
  if (message.kind === 'stopShard' || message.kind === 'shardTakenOver') {
    return (message.epoch ?? 0) > epochKept(kept, message.shardId) ? `the epoch of shard ${message.shardId}` : null;
  }
  if (message.kind === 'prepareMigration' || message.kind === 'transferOpen') {
    const { nextEpoch = 0 } = (kept('fleet/ids') ?? {}) as { nextEpoch?: number };
    return (message.epoch ?? 0) >= nextEpoch ? `epoch ${message.epoch} of the hand-over` : null;
  }
  if (message.kind === 'transferRelease') {
    const { known = null } = (kept(`shard/${message.shardId}`) ?? {}) as { known?: unknown };
    return known === null ? `the session of shard ${message.shardId}` : null;
  }
  if (message.kind !== 'identifyGranted' || isPermitKept(kept, message.shardId)) return null;
  return `the permit of shard ${message.shardId}`;
}

function epochKept(kept: Kept, shard: number): number {
  const { epoch = 0 } = (kept(`shard/${shard}`) ?? {}) as { epoch?: number };
  return epoch;
}

function isPermitKept(kept: Kept, shard: number): boolean {
  const { maxConcurrency = 1 } = (kept('fleet/identifies') ?? {}) as { maxConcurrency?: number };
  const key = shard % Math.max(1, maxConcurrency);
  const { holder = null } = (kept(`identify/${key}`) ?? {}) as { holder?: { shard: number } | null };
  return holder?.shard === shard;
}
