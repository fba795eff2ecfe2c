/**
 * What is known for spreading shards evenly. What moved lately is durable; loads are learned anew after a restart.
 */

/** How busy a shard is, as its node told it last. `level`: it weighs 2 to the power of that (`fleet/weights.ts`). */
export type ShardLoad = {
  at: number;
  /** Counted by its node since it has the shard; negative: it does not say. */
  events: number;
  /** A second. null: not known yet. */
  rate: number | null;
  guilds: number | null;
  level: number;
};

export type BalanceState = {
  loads: ReadonlyMap<number, ShardLoad>;
  /** Shards that were moved to spread them, lately. */
  moved: ReadonlyMap<number, { at: number; from: string }>;
  /** When shards were spread without anybody asking, lately. */
  begunAt: readonly number[];
  /** Before that nothing is looked at. */
  notBefore: number;
  /** Before that nothing is mended; new nodes are filled all the same. */
  mendNotBefore: number;
  /** When shards that were to be spread without anybody asking could not be moved, last. */
  failedAt: number | null;
  /** When the node that joined last has been there for long enough, if that is to come. */
  settledAt: number | null;
};

export const NO_BALANCE: BalanceState = {
  loads: new Map(),
  moved: new Map(),
  begunAt: [],
  notBefore: 0,
  mendNotBefore: 0,
  failedAt: null,
  settledAt: null,
};
