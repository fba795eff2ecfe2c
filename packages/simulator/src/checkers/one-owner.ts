/**
 * Invariant 1: at any instant at most one node hands a shard's events to user code.
 *
 * Seen as: once a node has begun with a shard (its first event after its connection was opened), the one before it hands over no further
 * event without beginning anew.
 *
 * The exception that today's design makes, and says so: a node that the orchestrator cannot hear (cut off, paused, or the
 * orchestrator itself is away) keeps its shards, and after `maxNodeDowntime` they are started elsewhere, by IDENTIFY: with another session. Both
 * hand over events then until the silent node is heard again. Two nodes on one and the same session are never excused, but for what
 * a node had received before another one resumed the session, if one of the two is such a node: Discord's word of that comes later, or never
 * (`silentDoubleAttach`).
 */
import type { LedgerRecord } from '@dshard/gateway-emulator';
import type { Checker, MakeChecker } from './checker.js';
import { OutOfTouch } from './out-of-touch.js';

const SENTENCE = 'at any instant at most one node hands a shard’s events to user code';

type Owner = { node: string; sessionId: string };

export const oneOwner: MakeChecker = ({ plan, violated }): Checker => {
  const owners = new Map<number, Owner>();
  /** Who has begun and not handed over its first event yet. */
  const beginning = new Set<string>();
  /** By session: the last event that was sent, and the last before it was resumed last. */
  const sent = new Map<string, { last: number; beforeResume: number }>();
  const outOfTouch = new OutOfTouch(plan.durable);
  return {
    see: (observation, at) => {
      outOfTouch.see(observation, at);
      if (observation.kind === 'gateway') note(sent, observation.record);
      if (observation.kind === 'up' || observation.kind === 'begins') {
        beginning.add(`${observation.shard}@${observation.node}`);
      } else if (observation.kind === 'stopped') {
        beginning.delete(`${observation.shard}@${observation.node}`);
      }
      if (observation.kind !== 'handed') return;
      const { shard, node, sessionId, sequence } = observation;
      const key = `${shard}@${node}`;
      const owner = owners.get(shard);
      if (beginning.delete(key) || owner === undefined) {
        owners.set(shard, { node, sessionId });
        return;
      }
      if (owner.node === node) return;
      const isApart = outOfTouch.has(node, at) || outOfTouch.has(owner.node, at);
      const wasReceived = isApart && sequence <= (sent.get(sessionId)?.beforeResume ?? 0);
      const isExcused = !plan.gentle && owner.sessionId !== sessionId;
      if (isExcused || wasReceived) return;
      violated(
        SENTENCE,
        `node ${node} handed over event ${sequence} of shard ${shard} after node ${owner.node} had begun with it`,
      );
      owners.set(shard, { node, sessionId });
    },
  };
};

function note(sent: Map<string, { last: number; beforeResume: number }>, record: LedgerRecord): void {
  if (record.kind === 'emitted') {
    sent.set(record.sessionId, { last: record.s, beforeResume: sent.get(record.sessionId)?.beforeResume ?? 0 });
  } else if (record.kind === 'attached') {
    const last = sent.get(record.sessionId)?.last ?? 0;
    sent.set(record.sessionId, { last, beforeResume: last });
  }
}
