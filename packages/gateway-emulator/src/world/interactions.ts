/**
 * Interactions: somebody uses a command of the bot or presses a button, and the bot has three seconds to answer and a quarter of
 * an hour to follow up.
 *
 *     open ──callback 4, 7──▶ answered(message)
 *     open ──callback 5, 6──▶ deferred ──edit of the original──▶ answered
 *     open ──callback 8, 9──▶ closed                             (choices of an autocomplete, a modal)
 *     open ──3 s──▶ expired;  any ──15 min──▶ gone
 */
import type { APIMessage } from 'discord-api-types/v10';
import type { User } from './users.js';

type InteractionState =
  | { kind: 'open' }
  | { kind: 'deferred'; ephemeral: boolean }
  | { kind: 'answered'; message: APIMessage }
  | { kind: 'closed' };

export type Interaction = {
  readonly id: string;
  readonly token: string;
  readonly guildId: string | null;
  readonly channelId: string;
  readonly user: User;
  /** The name of the command, or the `custom_id` of the component. */
  readonly name: string;
  readonly type: 'command' | 'component';
  /** The message whose component was pressed. */
  readonly source: APIMessage | null;
  readonly at: number;
  state: InteractionState;
};

const answerWithinMs = 3_000;
const tokenLivesMs = 15 * 60_000;
const maxInteractions = 10_000;

export class Interactions {
  readonly #byId = new Map<string, Interaction>();
  readonly #byToken = new Map<string, Interaction>();

  add(interaction: Interaction): void {
    this.#byId.set(interaction.id, interaction);
    this.#byToken.set(interaction.token, interaction);
    if (this.#byId.size <= maxInteractions) return;
    const [oldest] = this.#byId.values();
    if (oldest !== undefined) this.#forget(oldest);
  }

  /** One that waits for its first answer, or has had it; null when it is unknown or its three seconds are over. */
  toAnswer(id: string, token: string, now: number): Interaction | null {
    const interaction = this.#byId.get(id);
    if (interaction === undefined || interaction.token !== token) return null;
    return interaction.state.kind === 'open' && now - interaction.at > answerWithinMs ? null : interaction;
  }

  /** One that was answered in time, for follow-ups and edits. */
  toFollowUp(token: string, now: number): Interaction | null {
    const interaction = this.#byToken.get(token);
    if (interaction === undefined || now - interaction.at > tokenLivesMs) return null;
    return interaction.state.kind === 'open' ? null : interaction;
  }

  get(id: string): Interaction | null {
    return this.#byId.get(id) ?? null;
  }

  #forget(interaction: Interaction): void {
    this.#byId.delete(interaction.id);
    this.#byToken.delete(interaction.token);
  }
}
