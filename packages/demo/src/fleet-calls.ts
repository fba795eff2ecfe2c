/**
 * Asks the whole fleet, over and over, while the tour moves its shards: each answer has to speak for shards that no
 * other speaks for, and together they have to speak for all.
 */
import type { CallReport } from '@dshard/api';
import { delay, type Clock } from '@dshard/transport';

const PAUSE_MS = 40;

export type CallFigures = {
  made: number;
  /** A shard in no answer, or in two, or an answer about other shards than it says. */
  wrong: number;
  findings: readonly string[];
};

export class FleetCalls {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #findings: string[] = [];
  #made = 0;

  /** @param call rejects while there is no orchestrator: such calls do not count. */
  constructor(clock: Clock, shards: number, call: (each: 'node' | 'shard') => Promise<CallReport>) {
    this.#running = this.#run(clock, shards, call);
  }

  async #run(clock: Clock, shards: number, call: (each: 'node' | 'shard') => Promise<CallReport>): Promise<void> {
    const { signal } = this.#stop;
    for (let turn = 0; !signal.aborted; turn += 1) {
      const each = turn % 2 === 0 ? 'node' : 'shard';
      const report = await call(each).catch(() => null);
      if (report !== null) {
        this.#made += 1;
        this.#findings.push(...findingsOf(report, shards).map((what) => `asked each ${each}: ${what}`));
      }
      await delay(clock, PAUSE_MS, signal).catch(() => undefined);
    }
  }

  async stop(): Promise<CallFigures> {
    this.#stop.abort();
    await this.#running;
    return { made: this.#made, wrong: this.#findings.length, findings: this.#findings.slice(0, 5) };
  }
}

/** What is wrong with an answer of the bot's handler `shards`, which returns the shards it was asked to speak for. */
export function findingsOf({ answers, failures }: CallReport, total: number): string[] {
  const findings = failures.map(({ node, shards, reason }) => `shard(s) ${shards.join(', ')} of ${node}: ${reason}`);
  const seen = new Map<number, string>();
  for (const { node, shards, value } of answers) {
    if (JSON.stringify(value) !== JSON.stringify(shards)) {
      findings.push(`node ${node} spoke for ${shards.join(', ')} and answered ${JSON.stringify(value)}`);
    }
    for (const shard of shards) {
      const other = seen.get(shard);
      if (other !== undefined) findings.push(`nodes ${other} and ${node} both spoke for shard ${shard}`);
      seen.set(shard, node);
    }
  }
  if (failures.length === 0 && seen.size !== total) findings.push(`${seen.size} of ${total} shards were spoken for`);
  return findings;
}
