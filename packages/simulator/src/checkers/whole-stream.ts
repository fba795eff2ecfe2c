/**
 * Invariants 4 and 5. Planned move: user code on origin and destination together sees Discord's stream exactly once, in order. Crash: nothing
 * is lost while the session is resumable; repeats only after the last checkpoint.
 *
 * Of every session the events must reach user code in the order of their sequence, whichever node gets them, without a gap. An event
 * that came before may come again only where a node was lost or cut off with the session in its hands, and is marked then.
 *
 * Not marked, and so excused here: what a node handed over that was cut off or stopped and had not heard yet that it was succeeded (who
 * resumes the session after that knows nothing of it), and what comes to base-level nodes.
 */
import type { Observation } from '../observation.js';
import type { FaultName } from '../plan.js';
import type { Checker, MakeChecker } from './checker.js';

const EXACTLY_ONCE = 'a planned move: user code sees Discord’s stream exactly once, in order';
const MARKED = 'a crash: what comes again is marked';
const NOTHING_LOST = 'nothing is lost while the session is resumable';

const UNHEARD: readonly FaultName[] = ['partitions', 'pauses', 'baseLevel'];

/** `handed`: how many of its events user code got so far. `known`: READY reached a host. */
type Stream = {
  shard: number;
  sequences: number[];
  handed: number;
  state: 'attached' | 'detached' | 'ended';
  known: boolean;
};

export const wholeStream: MakeChecker = ({ plan, violated }): Checker => {
  const streams = new Map<string, Stream>();
  const mayBeUnmarked = UNHEARD.some((fault) => plan.faults.has(fault));
  const onHanded = (event: Extract<Observation, { kind: 'handed' }>): void => {
    const { node, shard, sessionId, sequence, redelivered } = event;
    const stream = streams.get(sessionId);
    if (stream === undefined) return;
    const index = stream.sequences.indexOf(sequence, Math.max(0, stream.handed - 1));
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
    see: (observation) => {
      if (observation.kind === 'handed') {
        onHanded(observation);
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
        state: record.kind,
        known: false,
      };
      streams.set(record.sessionId, { ...stream, state: record.kind });
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
