/** The orchestrator's own process, as far as the system and the runtime tell. */
import { LoopDelay, type Clock } from '@dshard/transport';
import type { ProcessFigures } from '../metrics/metric.js';

export class OwnProcess {
  readonly #delay: LoopDelay;
  readonly #startedAt: number;

  constructor(clock: Clock) {
    this.#delay = new LoopDelay(clock, true);
    this.#startedAt = clock.wallClock() - process.uptime() * 1_000;
  }

  start(): void {
    this.#delay.start();
  }

  close(): void {
    this.#delay.close();
  }

  figures(): ProcessFigures {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      memoryBytes: rss,
      heapBytes: heapUsed,
      cpuSeconds: (user + system) / 1e6,
      eventLoopDelayMs: this.#delay.take(),
      startedAt: this.#startedAt,
    };
  }
}
