/**
 * What a client has to know of a shard whose caches died with another process. A RESUME brings no READY and no
 * GUILD_CREATE, and discord.js drops most events of guilds it does not know. So a second session is begun for a moment:
 * it costs one IDENTIFY, says everything, and is closed; the events still come from the session that was resumed, and
 * none is lost (docs/decisions/007-caches-of-a-dead-node.md).
 */
import { delay, type Clock } from '@dshard/transport';
import type { Breather } from '../../breather.js';
import { KEEP_SESSION_CODE } from '../../gateway-shard/close-codes.js';
import type { Dispatch } from '../../gateway-shard/cursor.js';
import type { ShardPool } from '../../gateway-shard/shard-pool.js';
import type { HostContext } from '../../shard-host.js';
import type { Payload } from './export/fields.js';
import type { WholeState } from './staged-state.js';
import { Gate } from '../turns.js';

/** How long after the last guild the next may come, as in discord.js (waitGuildTimeout). */
const GUILD_TIMEOUT_MS = 15_000;

/** Rejects when `signal` aborts. */
export async function loadBeginning(
  shards: Pick<ShardPool, 'aside'>,
  shardId: number,
  context: HostContext,
  clock: Clock,
  signal: AbortSignal,
): Promise<Beginning> {
  const collected = new Collected();
  const shard = shards.aside(shardId, context, (payload) => collected.see(payload));
  const stop = (): void => void shard.stop(KEEP_SESSION_CODE);
  signal.addEventListener('abort', stop, { once: true });
  try {
    shard.connect();
    // Waits for as long as the permit takes; no guild can be late before READY.
    await Promise.race([collected.begun, shard.whenSettled()]);
    for (let seen = -1; !collected.isWhole && collected.seen > seen;) {
      seen = collected.seen;
      await Promise.race([collected.whole, delay(clock, GUILD_TIMEOUT_MS, signal)]);
    }
    signal.throwIfAborted();
    return collected.beginning;
  } finally {
    signal.removeEventListener('abort', stop);
    await shard.stop(KEEP_SESSION_CODE);
  }
}

class Collected {
  readonly #begun = new Gate();
  readonly #whole = new Gate();
  readonly #guilds: { type: 'GUILD_CREATE' | 'GUILD_DELETE'; data: Payload }[] = [];
  readonly #missing = new Set<string>();
  #ready: Payload | null = null;

  get begun(): Promise<void> {
    return this.#begun.opened;
  }

  get whole(): Promise<void> {
    return this.#whole.opened;
  }

  get isWhole(): boolean {
    return this.#ready !== null && this.#missing.size === 0;
  }

  get seen(): number {
    return this.#guilds.length;
  }

  get beginning(): Beginning {
    return { ready: this.#ready ?? {}, guilds: this.#guilds };
  }

  see(payload: Dispatch): void {
    const { t: type, d: data } = payload as { t: string; d: Payload };
    if (type === 'READY') {
      this.#ready = data;
      (data['guilds'] as readonly { id: string }[]).forEach(({ id }) => this.#missing.add(id));
      this.#begun.open();
    } else if (type === 'GUILD_CREATE' || type === 'GUILD_DELETE') {
      this.#guilds.push({ type, data });
      this.#missing.delete(String(data['id']));
    }
    if (this.isWhole) {
      this.#whole.open();
    }
  }
}

/** As the gateway's manager emits them. */
export type Deliver = {
  ready: (data: Payload) => void;
  dispatch: (type: 'READY' | 'GUILD_CREATE' | 'GUILD_DELETE', data: Payload) => void;
};

/** What a session begins with, wherever it comes from. */
export type Beginning = { ready: Payload; guilds: readonly { type: 'GUILD_CREATE' | 'GUILD_DELETE'; data: Payload }[] };

/** Its guilds are in the caches, so that no more than READY is missing. */
export function deliverStaged({ user, application }: WholeState, deliver: Deliver): void {
  begin(deliver, { v: 10, user, application, guilds: [] });
}

/** As it came from Discord. */
export async function deliverBeginning(beginning: Beginning, deliver: Deliver, breather: Breather): Promise<void> {
  begin(deliver, beginning.ready);
  for (const { type, data } of beginning.guilds) {
    deliver.dispatch(type, data);
    await breather.breathe();
  }
}

function begin(deliver: Deliver, ready: Payload): void {
  deliver.ready(ready);
  deliver.dispatch('READY', ready);
}
