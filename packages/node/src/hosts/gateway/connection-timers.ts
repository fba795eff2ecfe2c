/** What is not waited for longer than it deserves: Discord's answers to RESUME and to a close, and handlers of the bot. */
import type { Cancel } from '@dshard/transport';
import type { GatewayOptions } from './gateway-options.js';

export class ConnectionTimers {
  readonly #shardId: number;
  readonly #options: Pick<GatewayOptions, 'clock' | 'timeouts' | 'logger'>;
  #cancelResume: Cancel = () => undefined;
  #cancelCut: Cancel = () => undefined;

  constructor(shardId: number, options: Pick<GatewayOptions, 'clock' | 'timeouts' | 'logger'>) {
    this.#shardId = shardId;
    this.#options = options;
  }

  /** The next replayed event, or RESUMED, has to come in time. Replaces the earlier wish. */
  expectResume(late: () => void, ms: number = this.#options.timeouts.resumeMs): void {
    this.#cancelResume();
    this.#cancelResume = this.#options.clock.after(ms, late);
  }

  /** None is expected (any more). */
  noResume(): void {
    this.#cancelResume();
  }

  /** The library would wait half a minute for Discord to answer a close. */
  expectClose(cut: () => void): void {
    const { clock, timeouts } = this.#options;
    this.#cancelCut();
    this.#cancelCut = clock.after(timeouts.closeMs, cut);
  }

  clear(): void {
    this.#cancelResume();
    this.#cancelCut();
  }

  /** Resolves when `work` has ended, in whichever way, or is late, which is logged as `complaint`. */
  async atMost(work: Promise<unknown>, ms: number, complaint: string): Promise<void> {
    const { clock, logger } = this.#options;
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(ms, () => {
        logger.warn({ shard: this.#shardId }, complaint);
        resolve();
      });
    });
    await Promise.race([work.catch(() => undefined), late]);
    cancel();
  }
}
