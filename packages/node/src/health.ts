/**
 * The bot's own opinion of itself: `node.health(…)`, asked every few seconds, and `selfTest`, asked once at the start.
 * A rollout to a version whose nodes say that they are not well is reverted. What throws, or does not answer in time,
 * has given its opinion as well.
 */
import { messageOf, type HealthOpinion, type SelfTest } from '@dshard/protocol';
import { delay, type Clock } from '@dshard/transport';
import { withinDeadline } from './deadline.js';

/**
 * What the bot's code answers: true, or nothing: all is well; false, or a sentence with the reason: it is not. The
 * empty sentence is no reason, so that `() => problems.join(', ')` does what it says.
 */
// oxlint-disable-next-line typescript/no-invalid-void-type -- A function that returns nothing has no complaint.
export type HealthAnswer = boolean | string | void;
export type HealthCheck = () => HealthAnswer | Promise<HealthAnswer>;

const EVERY_MS = 5_000;

export type HealthOptions = {
  clock: Clock;
  health: HealthCheck | null;
  /** One answer. */
  healthMs: number;
  selfTest: HealthCheck | null;
  selfTestMs: number;
  /** The opinion is another one. */
  changed: () => void;
  problem: (text: string) => void;
};

export class Health {
  readonly #options: HealthOptions;
  /** In entries of their own: one function may be given twice. */
  readonly #checks = new Set<{ check: HealthCheck }>();
  readonly #ended = new AbortController();
  #opinion: HealthOpinion | null = null;
  #selfTest: { kind: SelfTest; reason: string | null } = { kind: 'none', reason: null };
  #isStarted = false;
  #isAsking = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    if (options.health !== null) this.#checks.add({ check: options.health });
    if (options.selfTest !== null) this.#selfTest = { kind: 'running', reason: null };
  }

  /** null: the bot has none. Until the first answer came, it has no complaint. */
  get opinion(): HealthOpinion | null {
    return this.#checks.size === 0 ? null : (this.#opinion ?? { ok: true, reason: null });
  }

  get selfTest(): Readonly<{ kind: SelfTest; reason: string | null }> {
    return this.#selfTest;
  }

  /** Adds a check: where there are several, the first that has a complaint counts. Returns what takes it off again. */
  add(check: HealthCheck): () => void {
    const entry = { check };
    this.#checks.add(entry);
    void this.#ask();
    return () => {
      if (this.#checks.delete(entry) && this.#checks.size === 0) this.#opinion = null;
    };
  }

  start(): void {
    this.#isStarted = true;
    void this.#testSelf();
    void this.#ask();
  }

  close(): void {
    this.#ended.abort();
  }

  async #testSelf(): Promise<void> {
    const { clock, selfTest, selfTestMs, changed, problem } = this.#options;
    if (selfTest === null) return;
    const { ok, reason } = await answerOf(clock, 'selfTest', selfTest, selfTestMs);
    this.#selfTest = { kind: ok ? 'passed' : 'failed', reason };
    if (!ok) problem(`The bot's self test failed: ${reason ?? 'it gives no reason'}`);
    changed();
  }

  /** From the first check on until the last is taken off, one answer after the other. */
  async #ask(): Promise<void> {
    if (!this.#isStarted || this.#isAsking) return;
    this.#isAsking = true;
    const { signal } = this.#ended;
    while (this.#checks.size > 0 && !signal.aborted) {
      this.#heard(await this.#answer());
      await delay(this.#options.clock, EVERY_MS, signal).catch(() => undefined);
    }
    this.#isAsking = false;
  }

  async #answer(): Promise<HealthOpinion> {
    const { clock, healthMs } = this.#options;
    for (const { check } of this.#checks) {
      const opinion = await answerOf(clock, 'health', check, healthMs);
      if (!opinion.ok) return opinion;
    }
    return { ok: true, reason: null };
  }

  #heard(opinion: HealthOpinion): void {
    const before = this.#opinion ?? { ok: true, reason: null };
    this.#opinion = opinion;
    if (before.ok === opinion.ok && before.reason === opinion.reason) return;
    if (!opinion.ok)
      this.#options.problem(`The bot says that it is not well: ${opinion.reason ?? 'it gives no reason'}`);
    this.#options.changed();
  }
}

async function answerOf(
  clock: Clock,
  what: 'health' | 'selfTest',
  check: HealthCheck,
  ms: number,
): Promise<HealthOpinion> {
  const limit = what === 'health' ? 'limits.healthMs' : 'limits.selfTestMs';
  try {
    return opinionOf(what, await withinDeadline(clock, (async () => check())(), { what, ms, limit }));
  } catch (error) {
    return { ok: false, reason: messageOf(error) };
  }
}

/** Bots are often written without types. */
function opinionOf(what: string, answer: unknown): HealthOpinion {
  if (answer === true || answer === undefined || answer === '') return { ok: true, reason: null };
  if (answer === false) return { ok: false, reason: null };
  if (typeof answer === 'string') return { ok: false, reason: answer };
  return {
    ok: false,
    reason: `${what} answered with ${answer === null ? 'null' : `a ${typeof answer}`}; true, false or a sentence was expected.`,
  };
}
