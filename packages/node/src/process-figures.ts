/** What a heartbeat says about the process. */
import type { ProcessReport } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';

export class ProcessFigures {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #measuredAt: number;
  #cpuMicros: number;
  #latestDelayMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.monotonicMs();
    this.#measuredAt = this.#startedAt;
    this.#cpuMicros = cpuMicros();
  }

  /** A timer fired this much later than it should have. */
  timerWasLate(ms: number): void {
    this.#latestDelayMs = Math.max(this.#latestDelayMs, ms);
  }

  /** Figures since the last call. */
  take(): ProcessReport {
    const now = this.#clock.monotonicMs();
    const micros = cpuMicros();
    const elapsedMs = Math.max(1, now - this.#measuredAt);
    const report: ProcessReport = {
      memoryBytes: process.memoryUsage.rss(),
      cpuPercent: Math.round((micros - this.#cpuMicros) / elapsedMs) / 10,
      eventLoopDelayMs: Math.round(this.#latestDelayMs),
      uptimeMs: Math.round(now - this.#startedAt),
    };
    this.#measuredAt = now;
    this.#cpuMicros = micros;
    this.#latestDelayMs = 0;
    return report;
  }
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
