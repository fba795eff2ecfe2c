/**
 * Group commit: what waits while a commit is under way is decided at once when the commit is over, each event on the
 * state that the one before left, and becomes durable together: one round trip, or one fsync, serves many decisions.
 *
 * Always true: nothing of a batch is seen by anybody before all of it is durable. Then the decisions take effect in
 * their order. A batch that cannot be made durable leaves the state as it was, and its events are handled again in
 * their order.
 */
import { durableWrites } from '../domain/durable/writes.js';
import type { Decision } from '../domain/state/effects.js';
import type { DomainEvent } from '../domain/state/events.js';
import type { OrchestratorState } from '../domain/state/state.js';
import type { StoredEntry, Write } from '../ports/state-store.js';
import type { RecordedEntry } from './contract.js';
import { entryOf, type History } from './history.js';
import { isToCommit } from './violations.js';

/** So that a batch is one message of some megabytes at most, and a failure decides no more than that anew. */
const MOST_EVENTS = 256;

export type Decided = {
  event: DomainEvent;
  decision: Decision;
  writes: readonly Write[];
};

/** A member of a batch, with what happened in it, numbered. */
type Member = Decided & { entries: RecordedEntry[] };

export type Batch = {
  members: readonly Member[];
  writes: readonly Write[];
  history: readonly StoredEntry[];
};

export type GatherOptions = {
  history: History;
  /** Takes the next event that waits. */
  next: () => DomainEvent | undefined;
  decide: (state: OrchestratorState, event: DomainEvent) => Decision;
  /** Deciding threw: the event is dropped. */
  failed: (event: DomainEvent, error: unknown) => void;
};

export function decided(state: OrchestratorState, event: DomainEvent, decision: Decision): Decided {
  return { event, decision, writes: durableWrites(state, decision.state) };
}

/** @param first has something to write. */
export function gather(first: Decided, { history, next, decide, failed }: GatherOptions): Batch {
  const all = [first];
  let { state } = first.decision;
  for (let taken = 1; taken < MOST_EVENTS; taken += 1) {
    const event = next();
    if (event === undefined) break;
    try {
      const more = decided(state, event, decide(state, event));
      all.push(more);
      ({ state } = more.decision);
    } catch (error) {
      failed(event, error);
    }
  }
  const members = all.map((each) => ({
    ...each,
    entries: each.decision.effects.flatMap((effect) => (isToCommit(effect) ? [history.number(effect.entry)] : [])),
  }));
  // Of what two of them write to one record, the last counts.
  const writes = new Map(all.flatMap((each) => each.writes.map((write) => [nameOf(write), write] as const)));
  return { members, writes: [...writes.values()], history: members.flatMap(({ entries }) => entries.map(entryOf)) };
}

function nameOf({ kind, key }: Write): string {
  return `${kind}/${key}`;
}
