/**
 * Where the state of parked shards lies (`runtime/park.ts`): one file for each shard, written once, read once. What is
 * in a file is nobody's business here.
 */
export type StateSpool = {
  /** The host whose spool it is. */
  readonly host: string;
  /** What is there, also from earlier runs. */
  files(): Promise<readonly { file: string; bytes: number }[]>;
  /** How much more the disk has room for. */
  freeBytes(): Promise<number>;
  /** Rejects where the file is there already. */
  create(file: string): Promise<SpoolWriter>;
  open(file: string): Promise<SpoolReader>;
  /** Also when it is not there. */
  remove(file: string): Promise<void>;
};

export type SpoolWriter = {
  /** One at a time. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when the file and its name are durable. */
  finish(): Promise<void>;
  /** The file is of no use; whoever discards it removes it as well. */
  discard(): Promise<void>;
};

export type SpoolReader = {
  /** The next piece, of whatever size; null: that was all. */
  read(): Promise<Uint8Array | null>;
  close(): Promise<void>;
};
