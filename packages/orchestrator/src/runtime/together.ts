/** Events that are handled together: which ones may be, and what becomes of them when one of them makes it fail. */
import type { Decide } from '../domain/decide.js';
import { isRelayed } from '../domain/migration/relay.js';
import type { Decision, Effect } from '../domain/state/effects.js';
import type { DomainEvent, PeerEvent } from '../domain/state/events.js';
import type { OrchestratorState } from '../domain/state/state.js';

/** The most that are handled together. */
const MOST_TOGETHER = 1_024;

/** Takes what may be handled together from the head of a queue: what peers do, but for the state that they relay. */
export function takeTogether(queue: DomainEvent[]): DomainEvent | undefined {
  const found = queue.findIndex((event, index) => index === MOST_TOGETHER || !isOfPeer(event) || isRelay(event));
  const count = found === -1 ? queue.length : found;
  if (count < 2) return queue.shift();
  return { kind: 'together', events: queue.splice(0, count).filter(isOfPeer) };
}

export function isOfPeer(event: DomainEvent): event is PeerEvent {
  return event.kind === 'identify' || event.kind === 'message' || event.kind === 'connectionClosed';
}

function isRelay(event: PeerEvent): boolean {
  return event.kind === 'message' && (event.message.kind === 'userEvent' || isRelayed(event.message));
}

/** Decides an event. Of several together that one makes fail, each is decided alone, and what fails is left out. */
export function decidedTogether(
  decide: Decide,
  state: OrchestratorState,
  event: DomainEvent,
  now: number,
  failed: (event: PeerEvent, error: unknown) => void,
): Decision {
  if (event.kind !== 'together') return decide(state, event, now);
  try {
    return decide(state, event, now);
  } catch {
    const effects: Effect[] = [];
    let last = state;
    for (const each of event.events) {
      try {
        const decision = decide(last, each, now);
        last = decision.state;
        effects.push(...decision.effects);
      } catch (error) {
        failed(each, error);
      }
    }
    return { state: last, effects };
  }
}
