/**
 * Gates of a rollout: whether new nodes are as well as the old ones. Pure: what was seen of both sides goes in, and a
 * verdict comes out. A signal that the old version gives and the new one does not is not health.
 *
 * Some signs need no comparison, and are looked at all the time (`failureOf`): a new process that ended, Discord
 * refusing a shard that was moved, a bot that says that it is not well. Others need
 * time (`judge`): those decide when a bake is over.
 */

/** One side of the comparison. */
export type Side = {
  /** Shards that it has, and those of them that are up. */
  readonly shards: number;
  readonly up: number;
  /** Since when the one that is down for the longest time is; null: all are up. */
  readonly downSince: number | null;
  /** When the last of those that are up came up; null: none is. */
  readonly upSince: number | null;
};

/** What is certain at once. */
export type Facts = {
  /** New nodes that are not what they were: each with what became of it. */
  readonly ended: readonly { node: string; how: string }[];
  /** Shards on new nodes that Discord refuses, each with why. */
  readonly refused: readonly { shard: number; why: string }[];
  /** Whether Discord refuses shards of the old nodes as well. */
  readonly refusesOld: boolean;
  /** Shards that twice did not move to a new node. */
  readonly notMoved: readonly { shard: number; reason: string }[];
};

export type Verdict = 'pass' | 'wait' | { readonly fail: string };

/** Why the new version fails now, whatever else there is to see; null: nothing is certain yet. */
export function failureOf({ ended, refused, refusesOld, notMoved }: Facts): string | null {
  const [exit] = ended;
  if (exit !== undefined) return `the new node ${exit.node} ${exit.how}`;
  const [turnedAway] = refused;
  if (turnedAway !== undefined && !refusesOld) {
    return `Discord refuses shard ${turnedAway.shard} on its new node: ${turnedAway.why}`;
  }
  const [stuck] = notMoved;
  return stuck === undefined ? null : `shard ${stuck.shard} could not be moved (${stuck.reason})`;
}

export type Patience = {
  /** How long a shard of the new version may be down while the old version's are up. */
  readonly downMs: number;
  /** The same where there is nothing to compare with: it may be Discord. */
  readonly aloneMs: number;
};

/**
 * Whether the new version is as well as the old one. Shards that are down on both sides are Discord's outage; the clock
 * begins anew when the old ones are up again.
 */
export function judge(old: Side, fresh: Side, { downMs, aloneMs }: Patience, now: number): Verdict {
  if (fresh.downSince === null) return 'pass';
  if (old.up < old.shards) return 'wait';
  const since = Math.max(fresh.downSince, old.upSince ?? 0);
  if (since + (old.shards > 0 ? downMs : aloneMs) > now) return 'wait';
  return { fail: `${fresh.shards - fresh.up} of ${fresh.shards} shards on the new nodes are not up` };
}
