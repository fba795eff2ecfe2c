/** What the processes of this benchmark say to each other. */

export type CommitOrder = {
  store: 'memory' | 'sqlite' | 'postgres';
  /** Of the database. */
  url: string;
  /** Of the file. */
  folder: string;
  shards: number;
  /** So many of them move at once. */
  atOnce: number;
  seconds: number;
};

/** How many shards moved, how long that took, and with how many commits. */
export type Moves = { moves: number; ms: number; commits: number };

export type CommitSaying =
  | { kind: 'listening'; address: string }
  /** One shard after the other; all at once; commits with nothing else, one after the other, as one move has them. */
  | { kind: 'done'; single: Moves; together: Moves; bare: { commits: number; ms: number } };
