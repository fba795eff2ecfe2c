import type { Decide, Effect } from '@dshard/orchestrator/domain';
import type { Message } from '@dshard/protocol';

/** Changes what the orchestrator sends; null: it is not sent. */
export function sending(change: (message: Message) => Message | null): (decide: Decide) => Decide {
  return (decide) => (state, event, now) => {
    const decision = decide(state, event, now);
    const effects = decision.effects.flatMap((effect): readonly Effect[] => {
      if (effect.kind !== 'send') return [effect];
      const message = change(effect.message);
      return message === null ? [] : [{ ...effect, message }];
    });
    return { ...decision, effects };
  };
}
