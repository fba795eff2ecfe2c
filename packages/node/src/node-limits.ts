/** The bounds of a node (`limits` of createNode): what may be given, what it defaults to. */
import { refuseUnknownKeys, wholeNumber } from './check-options.js';
import { DEFAULT_LIMITS } from './session/limits.js';

/** Bounds; times in milliseconds. The defaults suit a bot of any size. */
export type NodeLimits = {
  /** How long the orchestrator may take to accept a connection, and then to answer Identify. Default 10 s each. */
  connectTimeoutMs?: number;
  /** First and longest wait between attempts to connect. Defaults 100 ms and 5 s. */
  backoffMinMs?: number;
  backoffMaxMs?: number;
  /** The wait after a refusal (wrong token, version or shard count). Default 30 s. */
  refusedRetryMs?: number;
  /** Deadline of a host call. Default 10 s. */
  hostCallMs?: number;
  /** resumeShard waits for Discord, however long that takes; after so long, that is logged. Default 30 s. */
  resumeMs?: number;
  /** How long an origin waits without progress before it takes its shard back. Default 15 s. */
  migrationTimeoutMs?: number;
  /**
   * Live migration: how long a shard stays frozen when nothing follows, before it goes on here. Default 5 s; an
   * orchestrator may name another time.
   */
  freezeTimeoutMs?: number;
  /** Live migration: bytes of state that may come before the host has handled some. Default 1 MiB. */
  transferWindowBytes?: number;
  /** How long stopping all shards may take when the node leaves. Default 20 s. */
  shutdownTimeoutMs?: number;
  /** How long an answer of `health` may take, and the self test. Defaults 5 s and 30 s. */
  healthMs?: number;
  selfTestMs?: number;
  /** Messages, and their bytes, that may wait for a connection. Defaults 10 000 and 8 MiB. */
  outboxMessages?: number;
  outboxBytes?: number;
  /** Bytes of user events waiting for handleUserEvent beyond which reading from the orchestrator stops. 8 MiB. */
  stagedHighBytes?: number;
};

const TIME = { min: 1, max: 3_600_000 };

const LIMITS: Readonly<Record<keyof NodeLimits, { fallback: number; range: { min: number; max: number } }>> = {
  connectTimeoutMs: { fallback: DEFAULT_LIMITS.identifyTimeoutMs, range: TIME },
  backoffMinMs: { fallback: DEFAULT_LIMITS.backoffMinMs, range: TIME },
  backoffMaxMs: { fallback: DEFAULT_LIMITS.backoffMaxMs, range: TIME },
  refusedRetryMs: { fallback: DEFAULT_LIMITS.refusedRetryMs, range: TIME },
  hostCallMs: { fallback: 10_000, range: TIME },
  resumeMs: { fallback: 30_000, range: TIME },
  migrationTimeoutMs: { fallback: DEFAULT_LIMITS.migrationTimeoutMs, range: TIME },
  freezeTimeoutMs: { fallback: DEFAULT_LIMITS.freezeTimeoutMs, range: TIME },
  transferWindowBytes: { fallback: DEFAULT_LIMITS.transferWindowBytes, range: { min: 1024, max: 2 ** 30 } },
  shutdownTimeoutMs: { fallback: DEFAULT_LIMITS.shutdownTimeoutMs, range: TIME },
  healthMs: { fallback: 5_000, range: TIME },
  selfTestMs: { fallback: 30_000, range: TIME },
  outboxMessages: { fallback: DEFAULT_LIMITS.outboxMessages, range: { min: 1, max: 1_000_000 } },
  outboxBytes: { fallback: DEFAULT_LIMITS.outboxBytes, range: { min: 1024, max: 2 ** 30 } },
  stagedHighBytes: { fallback: DEFAULT_LIMITS.stagedHighBytes, range: { min: 1024, max: 2 ** 30 } },
};

const LIMIT_KEYS = Object.keys(LIMITS) as (keyof NodeLimits)[];

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function resolveLimits(where: string, given: NodeLimits): Required<NodeLimits> {
  refuseUnknownKeys(`${where} (limits)`, given, LIMIT_KEYS);
  const resolved = {} as Required<NodeLimits>;
  for (const key of LIMIT_KEYS) {
    const { fallback, range } = LIMITS[key];
    resolved[key] = wholeNumber(where, `limits.${key}`, given[key], fallback, range);
  }
  return resolved;
}
