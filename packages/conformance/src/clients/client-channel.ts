/** The IPC channel between suite and client: what it is told when started, and says of what the library did. */
import { systemClock } from '@dshard/transport';

/** What a client process is told when it is started, and what it says to the suite over its IPC channel. */
export type ClientOrder = {
  apiUrl: string;
  gatewayUrl: string;
  resumePort: number;
  token: string;
  intents: number;
  shards: number;
};

export type ClientMessage =
  /** A shard has a new session. */
  | { kind: 'ready'; shard: number; userId: string | null }
  | { kind: 'resumed'; shard: number }
  /** What the library knows of guilds: ids that reached user code, or its cache. */
  | { kind: 'guild'; id: string }
  /** User code was given a message. */
  | { kind: 'message'; shard: number; s: number; id: string; at: number }
  /** The library gave up, or threw. */
  | { kind: 'failed'; problem: string };

/** The name of the environment variable with the order, as JSON. */
export const orderVariable = 'CONFORMANCE_ORDER';

// The half of the IPC channel that lies in the client process: reads the order, says what the library did.

/** All events of a rig come from one process: its own monotonic clock orders them. */
const clock = systemClock();

export function readOrder(): ClientOrder {
  const text = process.env[orderVariable];
  if (text === undefined) throw new Error(`${orderVariable} is not set: clients are started by the suite.`);
  return JSON.parse(text) as ClientOrder;
}

export function say(message: ClientMessage): void {
  process.send?.(message);
}

/** Reports a dispatch that reached user code; others than READY, RESUMED, guilds and messages are left out. */
export function sayDispatch(shard: number, payload: { t?: string | null; s?: number | null; d?: unknown }): void {
  const d = typeof payload.d === 'object' && payload.d !== null ? (payload.d as Record<string, unknown>) : {};
  const id = typeof d['id'] === 'string' ? d['id'] : '';
  if (payload.t === 'READY') {
    const user = d['user'];
    const userId = typeof user === 'object' && user !== null && 'id' in user ? String(user.id) : null;
    say({ kind: 'ready', shard, userId });
  }
  if (payload.t === 'RESUMED') say({ kind: 'resumed', shard });
  // seyfert puts RAW_ before those of the guilds that READY named.
  if (payload.t === 'GUILD_CREATE' || payload.t === 'RAW_GUILD_CREATE') say({ kind: 'guild', id });
  if (payload.t === 'MESSAGE_CREATE') sayMessage(shard, payload.s ?? 0, id);
}

function sayMessage(shard: number, s: number, id: string): void {
  say({ kind: 'message', shard, s, id, at: clock.monotonicMs() });
}

/**
 * Libraries that give user code objects of their own instead of payloads: the payload comes first, by their raw event,
 * and says which sequence the object had.
 */
export class Sequences {
  readonly #byId = new Map<string, { shard: number; s: number }>();

  seen(shard: number, payload: { t?: string | null; s?: number | null; d?: unknown }): void {
    if (payload.t !== 'MESSAGE_CREATE') return;
    const { id } = payload.d as { id: string };
    this.#byId.set(id, { shard, s: payload.s ?? 0 });
  }

  sayMessage(id: string): void {
    const known = this.#byId.get(id);
    if (known !== undefined) sayMessage(known.shard, known.s, id);
    else say({ kind: 'failed', problem: `message ${id} reached user code and was in no raw packet` });
  }
}

export function sayFailed(error: unknown): void {
  const problem = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  say({ kind: 'failed', problem });
}
