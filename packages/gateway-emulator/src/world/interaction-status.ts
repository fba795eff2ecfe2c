/** How an interaction stands: for tests and developers, who want to see what the bot said of it. */
import type { APIMessage } from 'discord-api-types/v10';
import { isExpired, type Interaction, type InteractionType } from './interactions.js';
import type { Modal } from './modals.js';
import type { RestAction, RestActions } from './rest-actions.js';

export type InteractionStatus = {
  id: string;
  type: InteractionType;
  /** The name of the command, or the `custom_id` of the component or modal. */
  name: string;
  /** `expired`: three seconds went by without an answer. */
  state: Interaction['state']['kind'] | 'expired';
  /** Of an answered one. */
  message?: APIMessage;
  /** Of an autocomplete. */
  choices?: readonly { name: string; value: string | number }[];
  /** What was shown in answer to it, and the interaction that submitted it. */
  modal?: Modal;
  submissionId?: string | null;
  /** Everything the bot did in answer to it, in order. */
  posted: RestAction[];
};

export function statusOf(interaction: Interaction, posted: RestActions, now: number): InteractionStatus {
  const { id, type, name, state } = interaction;
  return {
    id,
    type,
    name,
    state: isExpired(interaction, now) ? 'expired' : state.kind,
    ...saidOf(state),
    posted: posted.list({ interactionId: id }),
  };
}

function saidOf(state: Interaction['state']): Partial<InteractionStatus> {
  switch (state.kind) {
    case 'open':
    case 'deferred':
      return {};
    case 'answered':
      return { message: state.message };
    case 'choices':
      return { choices: state.choices };
    case 'modal':
      return { modal: state.modal, submissionId: state.submission?.id ?? null };
  }
}
