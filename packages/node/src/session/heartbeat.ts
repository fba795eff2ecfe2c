/**
 * Heartbeats: the node's full state every `intervalMs`, and out of turn, shortly after a shard came up, went down or
 * was refused. They are also the checkpoints from which another node resumes should this process die: a shard that has
 * just got its session must not have to wait for its first.
 */
import type { Transaction } from './transaction.js';

/** So many heartbeats without an answer: the connection is as good as gone. Those out of turn do not count. */
export const MAX_UNANSWERED = 3;

/** When the last ones were sent; of older ones an answer says nothing that counts. */
const MOST_REMEMBERED = 16;

/** Shards that come up, or go down, together share a heartbeat. */
const SOON_MS = 100;

/** Sends one if it is time. `unanswered`: it is, and too many were not answered. */
export function beat(tx: Transaction): 'unanswered' | 'fine' {
  const link = tx.established;
  if (link === null || link.heartbeat === null) {
    return 'fine';
  }
  const { intervalMs, nextAt, soonAt, sequence } = link.heartbeat;
  const inTurn = tx.now >= nextAt;
  if (!inTurn && (soonAt === null || tx.now < soonAt)) {
    return 'fine';
  }
  // While we do not read, acks cannot come: that is our doing, not the peer's.
  const unanswered = link.reading === 'paused' ? 0 : link.heartbeat.unanswered;
  if (inTurn && unanswered >= MAX_UNANSWERED) {
    return 'unanswered';
  }
  tx.set({
    link: {
      ...link,
      heartbeat: {
        intervalMs,
        nextAt: inTurn ? tx.now + intervalMs : nextAt,
        soonAt: null,
        sequence: sequence + 1,
        unanswered: inTurn ? unanswered + 1 : unanswered,
        sent: [...link.heartbeat.sent, { sequence: sequence + 1, at: tx.now }].slice(-MOST_REMEMBERED),
      },
    },
  });
  tx.effect({ kind: 'heartbeat', connection: link.connection, sequence: sequence + 1 });
  return 'fine';
}

/** A shard came up, and its cursor is to be known soon; or went down, and somebody may want to know why. */
export function beatSoon(tx: Transaction): void {
  const link = tx.established;
  if (link?.heartbeat && link.heartbeat.soonAt === null) {
    tx.set({ link: { ...link, heartbeat: { ...link.heartbeat, soonAt: tx.now + SOON_MS } } });
  }
}

export function onHeartbeatAck(tx: Transaction, sequence: number): void {
  const link = tx.established;
  if (link?.heartbeat) {
    const { sent } = link.heartbeat;
    const answered = sent.find((each) => each.sequence === sequence);
    const left = sent.filter((each) => each.sequence > sequence);
    tx.set({ link: { ...link, heartbeat: { ...link.heartbeat, unanswered: 0, sent: left } } });
    if (answered !== undefined) {
      tx.effect({ kind: 'answered', sentAt: answered.at });
    }
  }
}

/** Somebody has to know whether the shards are still ours: one now. */
export function beatNow(tx: Transaction): void {
  const link = tx.established;
  if (link?.heartbeat) {
    tx.set({ link: { ...link, heartbeat: { ...link.heartbeat, soonAt: tx.now } } });
  }
}

/** When the next one is due; null: none. */
export function nextBeat(tx: Transaction): number | null {
  const heartbeat = tx.established?.heartbeat ?? null;
  return heartbeat === null ? null : Math.min(heartbeat.nextAt, heartbeat.soonAt ?? Infinity);
}
