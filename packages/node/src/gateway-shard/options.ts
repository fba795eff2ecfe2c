/**
 * Bounds that a bot may set, and what a handler is told beside the event. What the libraries' own types say stays out
 * of here: this is public.
 */
import type { Clock, Logger, Random } from '@dshard/transport';
import { refuseUnknownKeys, wholeNumber } from '../check-options.js';
import type { Dispatch } from './cursor.js';

/** Bounds; times in milliseconds. */
export type GatewayTimeouts = {
  /** Connecting and the WebSocket handshake. Default 5 s. */
  handshakeMs?: number;
  /** From there to HELLO. Default 5 s. */
  helloMs?: number;
  /** From IDENTIFY to READY. Default 15 s. */
  identifyMs?: number;
  /** From HELLO to the first replayed event or RESUMED, and from one replayed event to the next. Default 10 s. */
  resumeMs?: number;
  /** How long Discord may take to answer our close. The connection is cut then, the session kept. Default 3 s. */
  closeMs?: number;
  /**
   * How long the first shard that moves here waits for what listens to ready (clientReady, READY), while it serves
   * elsewhere. Default 10 s.
   */
  readyMs?: number;
  /** How long `importShard` may take. Default 5 s. */
  importMs?: number;
  /** How long a shard that leaves waits for handlers under way; longer ones end in this process. Default 1 s. */
  handlersMs?: number;
  /**
   * A shard to which no event has come for so long is looked at. One that came from another node is resumed anew then,
   * for its connection may have lost the session without a word: while it stays quiet, each time twice as long, up to
   * 10 min. Any other is resumed anew when its silence is unusual for the shard, and twice as long at least (ten times
   * while nobody knows what is usual). Default 30 s.
   */
  quietMs?: number;
  /** First and longest wait between attempts that failed. Defaults 500 ms and 30 s. */
  backoffMinMs?: number;
  backoffMaxMs?: number;
};

/** A gateway session was lost for good, and a new one has begun: what came in between was handed to nobody. */
export type MissedEvents = {
  readonly shardId: number;
  /** The last moment at which nothing was missed yet, as far as this process knows. */
  readonly lostFrom: Date;
  /** The moment at which the new session began. */
  readonly lostTo: Date;
  /** The ids of the guilds of the shard. */
  readonly guilds: readonly string[];
};

/** `redelivered`: a node that was lost may have handled the event before. */
export type Delivery = { redelivered: boolean };

const TIMEOUTS: Readonly<Required<GatewayTimeouts>> = {
  handshakeMs: 5_000,
  helloMs: 5_000,
  identifyMs: 15_000,
  resumeMs: 10_000,
  closeMs: 3_000,
  readyMs: 10_000,
  importMs: 5_000,
  handlersMs: 1_000,
  quietMs: 30_000,
  backoffMinMs: 500,
  backoffMaxMs: 30_000,
};

const TIMEOUT_KEYS = Object.keys(TIMEOUTS) as (keyof GatewayTimeouts)[];

/** `where` names the options: "createWsHost". Throws `DSO_NODE_OPTIONS_INVALID`. */
export function resolveTimeouts(where: string, given: GatewayTimeouts): Required<GatewayTimeouts> {
  refuseUnknownKeys(`${where} (timeouts)`, given, TIMEOUT_KEYS);
  const resolved = { ...TIMEOUTS };
  for (const key of TIMEOUT_KEYS) {
    resolved[key] = wholeNumber(where, `timeouts.${key}`, given[key], TIMEOUTS[key], { min: 1, max: 3_600_000 });
  }
  return resolved;
}

/** What every gateway shard is given besides the library's own options. */
export type GatewayOptions = {
  /** Hands a dispatch to user code; what it promises is waited for when the shard leaves. For the driver only. */
  readonly deliver: (payload: Dispatch, shardId: number, delivery: Delivery) => void | Promise<void>;
  /** Tells user code. */
  readonly missed?: (missed: MissedEvents) => void;
  readonly timeouts: Readonly<Required<GatewayTimeouts>>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
};
