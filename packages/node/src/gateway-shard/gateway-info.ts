/**
 * What `GET /gateway/bot` says, asked for once and kept: one REST call for the process, not one per shard. Failures are
 * tried again with growing waits for as long as somebody wants the answer, and not before Discord wants to be asked. A
 * token that is refused does not become right by asking: that is told once, and asked ever more rarely. A RESUME whose
 * resume URL works never comes here.
 */
import { delay, type Clock, type Logger, type Random } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { Dispatch } from './cursor.js';
import type { LocalThrottler } from './permit-request.js';
import { tellOfProxy } from './proxy-hint.js';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const FIRST_REFUSED_WAIT_MS = 5 * 60_000;
const LONGEST_REFUSED_WAIT_MS = 6 * 60 * 60_000;
const DISCORD = 'wss://gateway.discord.gg';

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
    let refusals = 0;
    for (let failures = 1; ; failures += 1) {
      try {
        this.#known = await fetch();
        tellOfProxy(this.#known.url);
        return this.#known;
      } catch (error) {
        tellOfProxy(DISCORD);
        refusals = isRefusal(error) ? refusals + 1 : 0;
        const waitMs = refusals > 0 ? refusedWaitMs(refusals) : waitAfter(failures);
        const pauseMs = Math.max(Math.round(waitMs / 2 + (waitMs / 2) * random.next()), retryAfterOf(error));
        if (refusals <= 1) {
          logger.error(
            { code: 'DSO_GATEWAY_INFO_FAILED' },
            `GET /gateway/bot failed (${messageOf(error)}); shards that need a new session wait. ` +
              `Next attempt in ${pauseMs} ms. Check the bot token and the address of the API.`,
          );
        }
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

function waitAfter(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 10));
}

function refusedWaitMs(refusals: number): number {
  return Math.min(LONGEST_REFUSED_WAIT_MS, FIRST_REFUSED_WAIT_MS * 2 ** Math.min(refusals - 1, 10));
}

/** Errors of the libraries have the status of the answer. */
function isRefusal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === 401;
}

/** The libraries wait by themselves; those that are told not to, say for how long, in milliseconds. */
function retryAfterOf(error: unknown): number {
  const said = typeof error === 'object' && error !== null && 'retryAfter' in error ? error.retryAfter : 0;
  return typeof said === 'number' && said > 0 ? Math.min(said, LONGEST_REFUSED_WAIT_MS) : 0;
}
