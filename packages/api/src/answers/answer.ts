/** What is answered where there is no document of its own: by every endpoint of the ancestor, and for every error. */
export type Answer = { Message: string; Error: boolean };

/** What every refusal and failure is answered with. */
export type Refusal = Answer & {
  /** Stable; docs/reference/errors.md lists all. */
  code: string;
  /** The same as `Message`. */
  message: string;
  /** What a program can use: the parameters that are wrong, how long to wait. */
  details: Readonly<Record<string, unknown>>;
  /** Where the code is explained. */
  documentation: string;
};

/** What `POST /v1/call` answers: each shard is in one of `answers` or in one of `failures`. */
export type CallReport = Answer & {
  answers: readonly { node: string; shards: readonly number[]; value: unknown }[];
  /** `node` null: nobody has these shards. */
  failures: readonly { node: string | null; shards: readonly number[]; reason: string }[];
};

/** One line of the history. Ids grow, from run to run where there is a store, and may leave gaps. */
export type HistoryEntry = {
  id: number;
  at: number;
  name: string;
  level: 'debug' | 'info' | 'warn' | 'error';
  /** A whole sentence. */
  text: string;
  /** Who asked for it, or `automatic`. */
  by: string;
  /** The things that the sentence names. */
  fields: Readonly<Record<string, string | number | boolean | null | readonly number[] | readonly string[]>>;
};

/** `GET /status`, as the ancestor has it. */
export type AncestorStatus = { Nodes: AncestorNodeStatus[] };

export type AncestorNodeStatus = {
  ID: string;
  Version: string;
  SessionEstablished: boolean;
  Shards: number[];
  Connected: boolean;
  /** RFC 3339; Go's zero time while the node is connected. */
  DisconnectedAt: string;
  Blacklisted: boolean;
  /** Set on a destination: the origin. */
  MigratingFrom: string;
  /** Set on an origin: the destination. */
  MigratingTo: string;
  MigratingShard: number;
};
