/**
 * Tells a web address which alarms rise and fall, as JSON or as Discord's own webhooks want it. Nothing waits for the
 * answer. What rises together goes together; a few posts may follow each other at once, then one every REFILL_MS. An
 * address that does not answer is tried a few times, and what could not be told is logged. The address itself is a
 * secret (Discord's has its token in it), so that no message names more of it than its host.
 */
import { counted, messageOf } from '@dshard/protocol';
import { delay, wallClockAheadMs, type Clock, type Logger } from '@dshard/transport';
import type { AlarmNotice, AlarmSink } from '../../ports/surroundings.js';
import { outgoingFetch, type OutgoingFetch } from '../outgoing/fetch.js';
import { bodyOf, type WebhookFormat } from './bodies.js';

export type WebhookOptions = {
  url: string;
  format: WebhookFormat;
  /** The orchestrator's own version. */
  version: string;
  clock: Clock;
  logger: Logger;
  /** By default through the proxy that the environment asks for. */
  fetch?: OutgoingFetch;
};

/** Discord takes five in two seconds, and ten embeds in each. */
const BURST = 5;
const REFILL_MS = 10_000;
const MOST_AT_ONCE = 10;
const MOST_WAITING = 200;
const TIMEOUT_MS = 5_000;
const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** How long the end of the orchestrator waits for what is still to be told. */
const CLOSE_GRACE_MS = 2_000;

export function createWebhook(options: WebhookOptions): AlarmSink {
  return new Webhook(options);
}

/** `retryAfterMs` null: it is not to be tried again. */
type Outcome = { ok: true } | { ok: false; reason: string; retryAfterMs: number | null };

class Webhook implements AlarmSink {
  readonly #options: WebhookOptions;
  readonly #closing = new AbortController();
  #waiting: AlarmNotice[] = [];
  #dropped = 0;
  #tokens = BURST;
  #refilledAt: number;
  #working: Promise<void> | null = null;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#refilledAt = options.clock.monotonicMs();
  }

  tell(notices: readonly AlarmNotice[]): void {
    if (this.#closing.signal.aborted) return;
    this.#waiting.push(...notices);
    const tooMany = this.#waiting.length - MOST_WAITING;
    if (tooMany > 0) {
      this.#waiting = this.#waiting.slice(tooMany);
      this.#dropped += tooMany;
    }
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  async close(): Promise<void> {
    const cancel = this.#options.clock.after(CLOSE_GRACE_MS, () => this.#closing.abort(new Error('it closes')));
    await this.#working;
    cancel();
    this.#closing.abort(new Error('it closes'));
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const { logger } = this.#options;
    try {
      while (this.#waiting.length > 0) {
        await this.#turn();
        const notices = this.#waiting.splice(0, MOST_AT_ONCE);
        const dropped = this.#dropped;
        this.#dropped = 0;
        const problem = await this.#post(notices, dropped);
        if (problem !== null) {
          const text = `The webhook on ${this.#host()} was not told of ${counted(notices.length, 'alarm')}: ${problem}.`;
          logger.warn({ alarms: notices.map(({ alarm }) => alarm.key) }, text);
        }
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) logger.error({}, `The webhook failed: ${messageOf(error)}`);
    }
  }

  /** Waits until one more post may be made. */
  async #turn(): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const earned = Math.floor((clock.monotonicMs() - this.#refilledAt) / REFILL_MS);
      if (earned > 0) {
        this.#tokens = Math.min(BURST, this.#tokens + earned);
        this.#refilledAt += earned * REFILL_MS;
      }
      if (this.#tokens > 0) break;
      await delay(clock, this.#refilledAt + REFILL_MS - clock.monotonicMs(), this.#closing.signal);
    }
    this.#tokens -= 1;
  }

  /** @returns why it could not be told; null: it was. */
  async #post(notices: readonly AlarmNotice[], dropped: number): Promise<string | null> {
    const { format, version, clock } = this.#options;
    const told = inWallTime(notices, wallClockAheadMs(clock));
    const body = JSON.stringify(bodyOf(format, { notices: told, dropped, version, at: clock.wallClock() }));
    for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt += 1, pauseMs *= 4) {
      const outcome = await this.#attempt(body);
      if (outcome.ok) return null;
      if (outcome.retryAfterMs === null || attempt === ATTEMPTS) return outcome.reason;
      await delay(clock, Math.min(LONGEST_PAUSE_MS, Math.max(pauseMs, outcome.retryAfterMs)), this.#closing.signal);
    }
  }

  async #attempt(body: string): Promise<Outcome> {
    const { url, clock, fetch: send = outgoingFetch() } = this.#options;
    const abort = new AbortController();
    const cancel = clock.after(TIMEOUT_MS, () => abort.abort(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
    try {
      const response = await send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.any([abort.signal, this.#closing.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return { ok: true };
      const isLater = response.status === 429 || response.status >= 500;
      const retryAfterMs = isLater ? secondsOf(response.headers.get('retry-after')) * 1_000 : null;
      return { ok: false, reason: `it answered with status ${response.status}`, retryAfterMs };
    } catch (cause) {
      // What fetch says has no address in it; its cause, and what is said of a proxy, have the host at most.
      const isOfFetch = cause instanceof TypeError && cause.cause !== undefined;
      const reason = isOfFetch ? cause.cause : cause;
      return { ok: false, reason: messageOf(reason), retryAfterMs: 0 };
    } finally {
      cancel();
    }
  }

  #host(): string {
    return new URL(this.#options.url).host;
  }
}

/** Times for people. */
function inWallTime(notices: readonly AlarmNotice[], aheadMs: number): readonly AlarmNotice[] {
  return notices.map(({ event, alarm }) => {
    const { since, raisedAt } = alarm;
    return { event, alarm: { ...alarm, since: since + aheadMs, raisedAt: raisedAt + aheadMs } };
  });
}

function secondsOf(header: string | null): number {
  const seconds = Number(header ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}
