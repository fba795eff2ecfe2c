/**
 * Interactions: somebody uses a command of the bot, types in it, uses a component or submits a modal, and the bot has
 * three seconds to answer and a quarter of an hour to follow up.
 *
 *     open ──callback 4, 7──▶ answered(message)
 *     open ──callback 5, 6──▶ deferred ──edit of the original──▶ answered
 *     open ──callback 8──▶ choices                               (of an autocomplete)
 *     open ──callback 9──▶ modal ──somebody submits it──▶ another interaction
 *     open ──3 s──▶ expired;  any ──15 min──▶ gone
 */
import type { APIMessage } from 'discord-api-types/v10';
import type { Modal } from './modals.js';
import type { User } from './users.js';

/** By Discord's numbers ("Receiving and Responding: Interaction Type"). */
export const interactionTypes = { command: 2, component: 3, autocomplete: 4, modal: 5 } as const;
export type InteractionType = keyof typeof interactionTypes;

type InteractionState =
  | { kind: 'open' }
  | { kind: 'deferred'; ephemeral: boolean }
  | { kind: 'answered'; message: APIMessage }
  | { kind: 'choices'; choices: readonly { name: string; value: string | number }[] }
  /** `submission`: the last one; null: nobody has submitted it. */
  | { kind: 'modal'; modal: Modal; submission: Interaction | null };

export type Interaction = {
  readonly id: string;
  readonly token: string;
  readonly guildId: string | null;
  readonly channelId: string;
  readonly user: User;
  /** The name of the command, or the `custom_id` of the component or modal. */
  readonly name: string;
  readonly type: InteractionType;
  /** The message whose component was used, also before the modal that was submitted. */
  readonly source: APIMessage | null;
  /** The type of the option that an autocomplete wants choices for. */
  readonly optionType: number | null;
  /** The interaction that was answered with the modal. */
  readonly trigger: Interaction | null;
  readonly at: number;
  state: InteractionState;
};

/** What may be said first of an interaction: callback types, by Discord's numbers. */
export function callbacksOf({ type, source }: Interaction): readonly number[] {
  switch (type) {
    case 'command':
      return [4, 5, 9];
    case 'component':
      return [4, 5, 6, 7, 9];
    case 'autocomplete':
      return [8];
    case 'modal':
      return source === null ? [4, 5] : [4, 5, 6, 7];
  }
}

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
    return isExpired(interaction, now) ? null : interaction;
  }

  /** One that was answered in time, for follow-ups and edits. */
  toFollowUp(token: string, now: number): Interaction | null {
    const interaction = this.#byToken.get(token);
    if (interaction === undefined || now - interaction.at > tokenLivesMs) return null;
    return interaction.state.kind === 'open' || interaction.state.kind === 'choices' ? null : interaction;
  }

  get(id: string): Interaction | null {
    return this.#byId.get(id) ?? null;
  }

  #forget(interaction: Interaction): void {
    this.#byId.delete(interaction.id);
    this.#byToken.delete(interaction.token);
  }
}

/** Nothing was said of it in time. */
export function isExpired({ state, at }: Interaction, now: number): boolean {
  return state.kind === 'open' && now - at > answerWithinMs;
}
