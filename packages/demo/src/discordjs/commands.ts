/**
 * People who use the bot's commands, by turns the slash command and the prefix one, and one that takes long; and what
 * they get for an answer.
 */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import type { Cancel, Clock } from '@dshard/transport';
import type { CommandFigures } from '../verdict.js';

const EVERY_MS = 50;
/** One of them is always open. */
export const LONG_COMMAND_MS = 8_000;
const LONG_EVERY_MS = LONG_COMMAND_MS / 2;

export class Commands {
  readonly #emulator: Pick<GatewayEmulator, 'people' | 'posted' | 'world'>;
  readonly #clock: Clock;
  /** Ids of interactions, and of messages that hold a command. */
  readonly #sent: string[] = [];
  #stops: readonly Cancel[] = [];
  #turn = 0;

  constructor(emulator: Pick<GatewayEmulator, 'people' | 'posted' | 'world'>, clock: Clock) {
    this.#emulator = emulator;
    this.#clock = clock;
  }

  /** The bot has to have registered its command. */
  start(): void {
    this.#sendLong();
    this.#stops = [
      this.#clock.every(EVERY_MS, () => this.#sendOne()),
      this.#clock.every(LONG_EVERY_MS, () => this.#sendLong()),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  figures(): CommandFigures {
    const answers = this.#answers();
    const counts = this.#sent.map((id) => answers.get(id) ?? 0);
    return {
      sent: counts.length,
      answered: counts.filter((count) => count > 0).length,
      twice: counts.filter((count) => count > 1).length,
    };
  }

  #sendOne(): void {
    const { people, world } = this.#emulator;
    const turn = this.#turn++;
    const guildId = world.guildAt((turn * 7) % world.guildCount).id;
    this.#sent.push(
      turn % 2 === 0 ? people.useCommand('count', {}, { guildId }).id : people.say('!count', { guildId }).id,
    );
  }

  #sendLong(): void {
    const { people, world } = this.#emulator;
    const guildId = world.guildAt((this.#turn * 3) % world.guildCount).id;
    this.#sent.push(people.useCommand('ask', {}, { guildId }).id);
  }

  /** How many answers each got. */
  #answers(): Map<string, number> {
    const answers = new Map<string, number>();
    for (const { kind, interactionId, message } of this.#emulator.posted.list()) {
      const to = interactionId ?? message?.message_reference?.message_id;
      if (kind === 'message' && to !== undefined) answers.set(to, (answers.get(to) ?? 0) + 1);
    }
    return answers;
  }
}
