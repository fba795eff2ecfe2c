/**
 * Commands that user code has taken and may not have answered yet. Many bots do not return the promise of what answers,
 * so that nobody can wait for it. But discord.js notes on an interaction how far it is; and a message that was a
 * command is usually answered soon. A process that ends waits for both.
 */
import { delay, type Clock } from '@dshard/transport';

/** Discord gives up on an interaction without a first answer after 3 s, and on one that was deferred after 15 min. */
const FIRST_ANSWER_MS = 3_000;
const TOKEN_MS = 15 * 60_000;

const LOOK_EVERY_MS = 50;
const SWEEP_AT = 256;

/** What of discord.js' interactions is looked at. `ephemeral` is set where the answer was deferred. */
type Interaction = { deferred?: boolean; replied?: boolean; responded?: boolean; ephemeral?: boolean | null };

export class OpenCommands {
  readonly #clock: Clock;
  /** With the moment it came. */
  readonly #interactions = new Map<Interaction, number>();
  #lastMessageAt = -Infinity;
  #sweepAt = SWEEP_AT;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** User code gets an event of the client. */
  seen(event: string, [value]: readonly unknown[]): void {
    if (event === 'messageCreate') {
      if (!isOfBot(value)) this.#lastMessageAt = this.#clock.monotonicMs();
    } else if (event === 'interactionCreate' && typeof value === 'object' && value !== null) {
      this.#interactions.set(value, this.#clock.monotonicMs());
      this.#sweepSometimes();
    }
  }

  /** Resolves when all are answered, or will not be any more. Rejects when `signal` aborts. */
  async settled(signal: AbortSignal): Promise<void> {
    while (this.#areOpen()) {
      await delay(this.#clock, LOOK_EVERY_MS, signal);
    }
  }

  #areOpen(): boolean {
    this.#sweep();
    return this.#interactions.size > 0 || this.#clock.monotonicMs() - this.#lastMessageAt < FIRST_ANSWER_MS;
  }

  #sweepSometimes(): void {
    if (this.#interactions.size < this.#sweepAt) return;
    this.#sweep();
    this.#sweepAt = 2 * this.#interactions.size + SWEEP_AT;
  }

  #sweep(): void {
    for (const [interaction, at] of this.#interactions) {
      if (!isOpen(interaction, this.#clock.monotonicMs() - at)) this.#interactions.delete(interaction);
    }
  }
}

function isOfBot(message: unknown): boolean {
  return (message as { author?: { bot?: boolean } }).author?.bot === true;
}

function isOpen({ deferred, replied, responded, ephemeral }: Interaction, ageMs: number): boolean {
  if (replied === true || responded === true) return false;
  if (deferred === true) return typeof ephemeral === 'boolean' && ageMs < TOKEN_MS;
  return ageMs < FIRST_ANSWER_MS;
}
