/**
 * With which session one shard's next connection is made, and when. Discord's REST is asked only where no resume URL leads
 * to the session, or one that only REST can vouch for; attempts that fail in a row wait longer each time.
 */
import type { FetchingStrategyOptions, SessionInfo } from '@discordjs/ws';
import { delay } from '@dshard/transport';
import { trustedResumeUrl } from '../../gateway-shard/resume-url.js';
import type { Cursor } from '../../session/state.js';
import type { GatewayInfo } from './gateway-info.js';
import type { GatewayOptions } from './gateway-options.js';
import type { ShardCursor } from './shard-cursor.js';

export type SessionSourceOptions = {
  shardId: number;
  cursor: ShardCursor;
  options: Pick<GatewayOptions, 'clock' | 'random' | 'timeouts'>;
  gatewayInfo: GatewayInfo;
  fetchingOptions: FetchingStrategyOptions;
  /** Aborts when the shard stops. */
  stopped: AbortSignal;
};

export class SessionSource {
  readonly #given: SessionSourceOptions;
  #failures = 0;
  #url: string | null = null;

  constructor(given: SessionSourceOptions) {
    this.#given = given;
  }

  /** Attempts in a row that ended before READY or RESUMED. */
  get failures(): number {
    return this.#failures;
  }

  /** Where the last connection was made to: a resume URL, '' for the generic one, null before the first. */
  get url(): string | null {
    return this.#url;
  }

  /** Whether the last connection was made to where this session has to be resumed. */
  leadsTo(session: Cursor): boolean {
    return this.#url === this.#resumeUrl(session);
  }

  failed(): void {
    this.#failures++;
    this.#given.cursor.useGenericUrl();
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** What the shard would RESUME with now, or null. */
  get info(): SessionInfo | null {
    const { shardId, cursor, gatewayInfo, fetchingOptions } = this.#given;
    const session = cursor.current;
    return session === null
      ? null
      : {
          shardId,
          shardCount: fetchingOptions.shardCount,
          sessionId: session.sessionId,
          sequence: session.sequence,
          resumeURL: this.#resumeUrl(session) || (gatewayInfo.known?.url ?? ''),
        };
  }

  /** For a new connection: at once where that is possible. Rejects when the shard is stopped meanwhile. */
  forConnection(): SessionInfo | null | Promise<SessionInfo | null> {
    this.#url = this.#resumeUrl(this.#given.cursor.current);
    return this.#failures > 1 || this.#url === '' ? this.#prepared() : this.info;
  }

  /** '' for the generic one. */
  #resumeUrl(session: Cursor | null): string {
    return trustedResumeUrl(session?.resumeGatewayUrl ?? '', this.#given.gatewayInfo.known?.url ?? null);
  }

  async #prepared(): Promise<SessionInfo | null> {
    const { gatewayInfo, stopped } = this.#given;
    await this.#backOff();
    await gatewayInfo.get();
    stopped.throwIfAborted();
    this.#url = this.#resumeUrl(this.#given.cursor.current);
    return this.info;
  }

  async #backOff(): Promise<void> {
    if (this.#failures > 1) {
      const { options, stopped } = this.#given;
      const { clock, random, timeouts } = options;
      const full = Math.min(timeouts.backoffMaxMs, timeouts.backoffMinMs * 2 ** Math.min(this.#failures - 2, 20));
      await delay(clock, full / 2 + (full / 2) * random.next(), stopped);
    }
  }
}
