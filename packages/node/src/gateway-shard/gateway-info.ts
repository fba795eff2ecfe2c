/**
 * What `GET /gateway/bot` says, asked for once and kept: one REST call for the process, not one per shard. Failures are
 * tried again with growing waits for as long as somebody wants the answer. A RESUME whose resume URL works never comes
 * here.
 */
import { delay } from '@dshard/transport';
import type { Clock, Logger, Random } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { Dispatch } from './cursor.js';
import type { LocalThrottler } from './permit-request.js';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** What of it is used. */
export type GatewayBotInfo = {
  readonly url: string;
  readonly session_start_limit: { readonly max_concurrency: number };
};

export type GatewayInfoOptions = {
  fetch: () => Promise<GatewayBotInfo>;
  clock: Clock;
  random: Random;
  logger: Logger;
};

export class GatewayInfo {
  readonly #options: GatewayInfoOptions;
  readonly #stopped = new AbortController();
  #known: GatewayBotInfo | null = null;
  #asking: Promise<GatewayBotInfo> | null = null;
  #throttler: Promise<LocalThrottler> | null = null;

  constructor(options: GatewayInfoOptions) {
    this.#options = options;
  }

  /** null until it was asked for. */
  get known(): GatewayBotInfo | null {
    return this.#known;
  }

  /** Rejects only after `close()`. */
  get(): Promise<GatewayBotInfo> {
    if (this.#known !== null) {
      return Promise.resolve(this.#known);
    }
    this.#asking ??= this.#ask();
    return this.#asking;
  }

  /** One for all shards, made when it is needed first: for orchestrators that do not pace identifies. */
  throttler(make: (maxConcurrency: number) => LocalThrottler): Promise<LocalThrottler> {
    this.#throttler ??= this.get().then((info) => make(info.session_start_limit.max_concurrency));
    return this.#throttler;
  }

  async #ask(): Promise<GatewayBotInfo> {
    const { fetch, clock, random, logger } = this.#options;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
      try {
        this.#known = await fetch();
        return this.#known;
      } catch (error) {
        const pauseMs = Math.round(waitMs / 2 + (waitMs / 2) * random.next());
        logger.error(
          { code: 'DSO_GATEWAY_INFO_FAILED' },
          `GET /gateway/bot failed (${messageOf(error)}); shards that need a new session wait. ` +
            `Next attempt in ${pauseMs} ms. Check the bot token and the address of the API.`,
        );
        await delay(clock, pauseMs, this.#stopped.signal);
      }
    }
  }

  close(): void {
    this.#stopped.abort(new Error('The host is shut down.'));
  }
}

/** What is read of a dispatch, by its name on the wire: the names' table is no dependency of a bot. */
type GuildPayload =
  | { t: 'READY'; d: { guilds: readonly { id: string }[] } }
  | { t: 'GUILD_CREATE'; d: { id: string } }
  | { t: 'GUILD_DELETE'; d: { id: string; unavailable?: boolean } };

export class GuildCount {
  #ids: Set<string> | null = null;

  get count(): number {
    return this.#ids?.size ?? -1;
  }

  see(payload: Dispatch): void {
    const seen = payload as GuildPayload;
    if (seen.t === 'READY') {
      this.#ids = new Set(seen.d.guilds.map((guild) => guild.id));
    } else if (seen.t === 'GUILD_CREATE') {
      this.#ids?.add(seen.d.id);
    } else if (seen.t === 'GUILD_DELETE' && seen.d.unavailable !== true) {
      // Unavailable is not left.
      this.#ids?.delete(seen.d.id);
    }
  }
}
