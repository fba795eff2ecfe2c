/**
 * Invariants 4 and 5. Planned move: user code on origin and destination together sees Discord's stream exactly once, in
 * order. Crash: nothing is lost while the session is resumable; repeats only after the last checkpoint.
 *
 * Of every session the events must reach user code in the order of their sequence, whichever node gets them, without a
 * gap. An event that came before may come again only where a node was lost or cut off with the session in its hands,
 * and is marked then.
 *
 * Not marked, and so excused here, event by event:
 *
 * - what a node of the base level hands over, or handed over last: it is told nothing, and says nothing;
 * - what a node hands over that cannot know what became of its shards (`ownership.ts`);
 * - what such a node handed over last, if the connection of the one that goes over it again just ended: nothing told it
 *   that another one had the session meanwhile;
 * - what a node had received, and kept for user code that was still loading, before such a node took the session from
 *   it.
 */
import type { Observation, Checker, MakeChecker } from '../observation.js';
import { OutOfTouch } from './ownership.js';

const EXACTLY_ONCE = 'a planned move: user code sees Discord’s stream exactly once, in order';
const MARKED = 'a crash: what comes again is marked';
const NOT_LATE = 'whoever reads late that another one has the session hands over nothing of what was before it';
const NOTHING_LOST = 'nothing is lost while the session is resumable';

/** What of its last owner makes that an event may come again unmarked. */
type LastOwner = 'inTouch' | 'outOfTouch' | 'baseLevel';

/** `handed`: how many of its events user code got so far; `by`: by whom, each, last. `known`: READY reached a host. */
type Stream = {
  shard: number;
  sequences: number[];
  handed: number;
  by: LastOwner[];
  state: 'attached' | 'detached' | 'ended';
  known: boolean;
  /** The last event that was sent before the session was resumed last. */
  beforeResume: number;
};

export const wholeStream: MakeChecker = ({ plan, violated }): Checker => {
  const streams = new Map<string, Stream>();
  const outOfTouch = new OutOfTouch(plan.durable);
  const ofBaseLevel = new Set<string>();
  /** Who resumed a shard after its connection just ended. */
  const unproven = new Set<string>();
  /** By shard: who resumed it last. */
  const resumedBy = new Map<number, string>();
  const ownerOf = (node: string, at: number): LastOwner => {
    if (ofBaseLevel.has(node)) return 'baseLevel';
    return outOfTouch.has(node, at) ? 'outOfTouch' : 'inTouch';
  };
  const onHanded = (event: Extract<Observation, { kind: 'handed' }>, at: number): void => {
    const { node, shard, sessionId, sequence, redelivered, late } = event;
    const stream = streams.get(sessionId);
    if (stream === undefined) return;
    const index = stream.sequences.indexOf(sequence);
    const before = stream.by[index];
    const owner = ownerOf(node, at);
    stream.by[index] = owner;
    if (late && !redelivered && owner === 'outOfTouch')
      violated(
        NOT_LATE,
        `node ${node} handed over event ${sequence} of shard ${shard}, with Discord’s close behind it`,
      );
    const sawNothing = before === 'outOfTouch' && unproven.has(`${shard}@${node}`);
    const wasReceived = before === 'outOfTouch' && resumedBy.get(shard) !== node && sequence <= stream.beforeResume;
    const mayBeUnmarked = owner !== 'inTouch' || before === 'baseLevel' || sawNothing || wasReceived;
    const expected = stream.sequences[stream.handed];
    if (index === stream.handed) {
      stream.handed += 1;
    } else if (index > stream.handed) {
      violated(
        NOTHING_LOST,
        `node ${node} handed over event ${sequence} of shard ${shard}, and nobody had handed over ${expected}`,
      );
      stream.handed = index + 1;
    } else if (plan.gentle) {
      violated(EXACTLY_ONCE, `node ${node} handed over event ${sequence} of shard ${shard} a second time`);
    } else if (!redelivered && !mayBeUnmarked) {
      violated(MARKED, `node ${node} handed over event ${sequence} of shard ${shard} again, and did not say so`);
    }
  };
  return {
    see: (observation, at) => {
      outOfTouch.see(observation, at);
      if (observation.kind === 'begins') {
        const owner = `${observation.shard}@${observation.node}`;
        resumedBy.set(observation.shard, observation.node);
        if (observation.cause === 'unproven') unproven.add(owner);
        else unproven.delete(owner);
      }
      if (observation.kind === 'processStarted') {
        if (observation.baseLevel === true) ofBaseLevel.add(observation.name);
        else ofBaseLevel.delete(observation.name);
      }
      if (observation.kind === 'handed') {
        onHanded(observation, at);
      }
      if (observation.kind === 'up') {
        const stream = streams.get(observation.sessionId);
        if (stream !== undefined) stream.known = true;
      }
      if (observation.kind !== 'gateway') return;
      const { record } = observation;
      if (record.kind === 'emitted') streams.get(record.sessionId)?.sequences.push(record.s);
      if (record.kind !== 'attached' && record.kind !== 'detached' && record.kind !== 'ended') return;
      const stream = streams.get(record.sessionId) ?? {
        shard: record.shard,
        sequences: [],
        handed: 0,
        by: [],
        state: record.kind,
        known: false,
        beforeResume: 0,
      };
      const beforeResume = record.kind === 'attached' ? (stream.sequences.at(-1) ?? 0) : stream.beforeResume;
      streams.set(record.sessionId, { ...stream, state: record.kind, beforeResume });
    },
    finish: () => {
      for (const { shard, sequences, handed, state, known } of streams.values()) {
        if (!known) continue;
        // Who knew the session was lost with it: there is nobody left to resume it.
        if (state !== 'attached' && !plan.gentle) continue;
        const missing = sequences.length - handed;
        if (missing > 0) violated(NOTHING_LOST, `${missing} events of shard ${shard} reached nobody in the end`);
      }
    },
  };
};
