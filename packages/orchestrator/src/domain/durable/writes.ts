/**
 * The journal by projection: what is durable of a state (`records.ts`), and what of it changed between two states.
 *
 * Cheap where nothing changed, because the domain copies on write: a part that is the same object is the same. A
 * heartbeat costs a look at each node, a user event one at each migration. Only what differs as text is written.
 */
import type { OrchestratorState } from '../state/state.js';
import { API_TOKENS, AUDIT, REMEMBERED } from './access-records.js';
import { BALANCE } from './balance-records.js';
import { HOSTS } from './host-records.js';
import { OPERATIONS } from './operation-records.js';
import { IDENTIFIES, IDENTIFY_KEYS, IDS, JOBS, NODES, ROLLOUTS, SCALE, SHARDS, TOTAL } from './records.js';
import { CRASH_LOOPS, CRASH_RECORDS, RAISED_ALARMS } from './trouble-records.js';
import type { Codec, JsonValue, Write } from './records.js';

/** A codec for whoever writes, whatever its things are. */
type Writer = {
  changes: (before: OrchestratorState, after: OrchestratorState) => Iterable<Write>;
  all: (state: OrchestratorState) => Iterable<Write>;
};

function writer<T, R>({ kind, entries, changed, write }: Codec<T, R>): Writer {
  const written = (thing: T | undefined): JsonValue => (thing === undefined ? null : write(thing));
  return {
    *changes(before, after) {
      for (const [key, was, is] of changed(before, after)) {
        const value = written(is);
        if (!isSame(written(was), value)) yield { kind, key, value };
      }
    },
    *all(state) {
      for (const [key, thing] of entries(state)) {
        const value = write(thing);
        if (value !== null) yield { kind, key, value };
      }
    },
  };
}

const WRITERS: readonly Writer[] = [
  writer(TOTAL),
  writer(SCALE),
  writer(IDS),
  writer(IDENTIFIES),
  writer(IDENTIFY_KEYS),
  writer(SHARDS),
  writer(NODES),
  writer(HOSTS),
  writer(CRASH_LOOPS),
  writer(RAISED_ALARMS),
  writer(OPERATIONS),
  writer(CRASH_RECORDS),
  writer(JOBS),
  writer(ROLLOUTS),
  writer(API_TOKENS),
  writer(AUDIT),
  writer(REMEMBERED),
  writer(BALANCE),
];

/** What has to be durable before the effects of the decision that led from `before` to `after`. */
export function durableWrites(before: OrchestratorState, after: OrchestratorState): Write[] {
  // State of a shard that passes through changes nothing, thousands of times a second.
  if (before === after) return [];
  return WRITERS.flatMap(({ changes }) => [...changes(before, after)]);
}

/** Everything durable of a state. */
export function recordsOf(state: OrchestratorState): Write[] {
  return WRITERS.flatMap(({ all }) => [...all(state)]);
}

/** Records are small, and each is made by one codec, so the order of their keys says nothing. */
function isSame(a: JsonValue, b: JsonValue): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** What makes a store that holds `stored` hold the records of `state`, and no others. */
export function correctingWrites(
  stored: readonly { kind: string; key: string; value: JsonValue }[],
  state: OrchestratorState,
): { kind: string; key: string; value: JsonValue }[] {
  const left = new Map(stored.map((record) => [`${record.kind}/${record.key}`, record]));
  const writes: { kind: string; key: string; value: JsonValue }[] = [];
  for (const wanted of recordsOf(state)) {
    const name = `${wanted.kind}/${wanted.key}`;
    const found = left.get(name);
    left.delete(name);
    if (found === undefined || !isSame(found.value, wanted.value)) writes.push(wanted);
  }
  for (const { kind, key } of left.values()) writes.push({ kind, key, value: null });
  return writes;
}
