/**
 * Commands that user code has taken and may not have answered yet. Many bots do not return the promise of what answers,
 * so that nobody can wait for it. But discord.js notes on an interaction how far it is; and a message that was a
 * command is usually answered soon. A process that ends waits for both: for a message only where a listener returned no
 * promise, since promises are waited for anyway, and only where the message has a text that may be a command.
 */
import { delay, type Clock } from '@dshard/transport';

/** Discord gives up on an interaction without a first answer after 3 s, and on one that was deferred after 15 min. */
const FIRST_ANSWER_MS = 3_000;
const TOKEN_MS = 15 * 60_000;

/** After a message whose listeners all returned a promise: they may have begun what they do not wait for. */
const AFTERTHOUGHT_MS = 500;

const LOOK_EVERY_MS = 50;
const SWEEP_AT = 256;

/** What of discord.js' interactions is looked at. `ephemeral` is set where the answer was deferred. */
type Interaction = { deferred?: boolean; replied?: boolean; responded?: boolean; ephemeral?: boolean | null };

export class OpenCommands {
  readonly #clock: Clock;
  /** With the moment it came. */
  readonly #interactions = new Map<Interaction, number>();
  /** Until when the answer to a message may be under way. */
  #messagesUntil = -Infinity;
  #sweepAt = SWEEP_AT;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** User code got an event of the client. @param isAwaited all of it returned promises. */
  seen(event: string, [value]: readonly unknown[], isAwaited: boolean): void {
    if (event === 'messageCreate') {
      const until = this.#clock.monotonicMs() + (isAwaited ? AFTERTHOUGHT_MS : FIRST_ANSWER_MS);
      if (mayBeCommand(value)) this.#messagesUntil = Math.max(this.#messagesUntil, until);
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
    return this.#interactions.size > 0 || this.#clock.monotonicMs() < this.#messagesUntil;
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

/** Without the intent for the content of messages a bot sees no text, but where it is mentioned. */
function mayBeCommand(message: unknown): boolean {
  const { author, content } = message as { author?: { bot?: boolean }; content?: string };
  return author?.bot !== true && content !== '';
}

function isOpen({ deferred, replied, responded, ephemeral }: Interaction, ageMs: number): boolean {
  if (replied === true || responded === true) return false;
  if (deferred === true) return typeof ephemeral === 'boolean' && ageMs < TOKEN_MS;
  return ageMs < FIRST_ANSWER_MS;
}
