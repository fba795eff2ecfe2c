/**
 * What Discord sees of the bots: sessions are resumed before they are identified, at Discord's pace, and kept to the
 * end, and no other rule of its gateway is broken. One checker per sentence.
 */
import type { OrchestratorState } from '@dshard/orchestrator/domain';
import { isOrchestrator } from '../world/machine.js';
import type { Checker, MakeChecker } from '../observation.js';

/**
 * Invariant 3: IDENTIFY: per key at most one per 5 s, per day at most the limit, counted before use, across every
 * crash.
 *
 * Discord's model says when one came too early. Two exceptions of today's design:
 * - A node of the base level asks nobody when its session is lost, so in fleets with such nodes only the permits of the
 *   others are checked.
 * - A permit has no end that the node knows of. One that was granted to a node which was then lost (paused, cut off)
 *   counts as used when the node was lost, and the node may use it later; what comes within that window is excused.
 */
const IDENTIFY_PACE = 'IDENTIFY: per key at most one per 5 s, never beyond the budget, never without a permit';

export const identifyPace: MakeChecker = ({ plan, violated }): Checker => {
  const { maxConcurrency, identifyWindowMs } = plan.rules;
  let state: OrchestratorState | null = null;
  /** Without a store a new run knows of no window; when all nodes died with the last one, nobody tells it. */
  let forgotUntil = 0;
  /** By key: until when a late use of a permit excuses the next one. */
  const excusedUntil = new Map<number, number>();
  const holdsPermit = (node: string, shard: number): boolean =>
    Object.values(state?.identifies.keys ?? {}).some(({ holder }) => holder?.node === node && holder.shard === shard);
  return {
    see: (observation, at) => {
      if (observation.kind === 'processEnded' && isOrchestrator(observation.name) && !plan.durable) {
        forgotUntil = at + 2 * identifyWindowMs;
      }
      if (observation.kind === 'decided') state = observation.state;
      if (observation.kind === 'identify') {
        const { node, shard, permit } = observation;
        if (permit === 'none') violated(IDENTIFY_PACE, `node ${node} identified shard ${shard} without a permit`);
        const isLate = permit === 'granted' && !holdsPermit(node, shard);
        if (isLate && !plan.gentle) excusedUntil.set(shard % maxConcurrency, at + 2 * identifyWindowMs);
      }
      if (observation.kind !== 'gateway' || observation.record.kind !== 'violation') return;
      const { kind, message, shard } = observation.record.violation;
      if (kind === 'budget-exhausted') violated(IDENTIFY_PACE, message);
      const isForgotten = at < forgotUntil;
      const isExcused =
        plan.faults.has('baseLevel') || isForgotten || at < (excusedUntil.get((shard ?? 0) % maxConcurrency) ?? 0);
      if (kind === 'early-identify' && !isExcused) violated(IDENTIFY_PACE, message);
    },
  };
};

/**
 * RESUME first (rule 8 of the architecture): no shard is identified anew while its session could still be resumed.
 * Checked where no party that knows the session was lost. A session whose READY reached nobody is known to nobody.
 * Where the store or the leader may be away, a node that leaves then takes what it knows with it.
 */
const RESUME_FIRST = 'no shard identifies where its session could still be resumed';

export const resumeFirst: MakeChecker = ({ plan, violated }): Checker => {
  /** By shard: sessions that live, and who had them last. */
  const sessions = new Map<number, Map<string, string>>();
  return {
    see: (observation) => {
      if (observation.kind === 'up') {
        const { shard, sessionId, node } = observation;
        sessions.set(shard, (sessions.get(shard) ?? new Map<string, string>()).set(sessionId, node));
      }
      if (observation.kind === 'processEnded' && !plan.gentle) {
        for (const living of sessions.values())
          for (const [session, node] of living) if (node === observation.name) living.delete(session);
      }
      if (observation.kind !== 'gateway') return;
      const { record } = observation;
      if (record.kind === 'ended') sessions.get(record.shard)?.delete(record.sessionId);
      if (record.kind !== 'identify' || record.sessionId === null) return;
      const living = [...(sessions.get(record.shard)?.keys() ?? [])];
      if (plan.sparesSessions && living.length > 0) {
        violated(RESUME_FIRST, `shard ${record.shard} identified, and its session ${living.join(', ')} lived on`);
      }
    },
  };
};

/**
 * Discord is not asked in a circle: no gateway shard sends more than a handful of RESUMEs a minute, whatever it is
 * told, and after op 9 it waits the second at least that Discord asks for. Counted per shard and its time on a node:
 * one that moves begins anew.
 */
const RESUME_PACE = 'a gateway shard sends no more than a handful of RESUMEs a minute, and waits after op 9';
const HANDFUL = 6;
const MINUTE_MS = 60_000;
const PAUSE_MS = 1_000;

export const resumePace: MakeChecker = ({ violated }): Checker => {
  const resumes = new Map<string, number[]>();
  const invalidatedAt = new Map<string, number>();
  return {
    see: (observation, at) => {
      if (observation.kind === 'processEnded') {
        for (const key of resumes.keys()) if (key.startsWith(`${observation.name}/`)) resumes.delete(key);
        for (const key of invalidatedAt.keys()) if (key.startsWith(`${observation.name}/`)) invalidatedAt.delete(key);
      }
      if (!('node' in observation) || !('shard' in observation)) return;
      const { node, shard } = observation;
      const key = `${node}/${shard}`;
      if (observation.kind === 'resuming' || observation.kind === 'stopped') {
        resumes.delete(key);
        invalidatedAt.delete(key);
      }
      if (observation.kind === 'invalidated') invalidatedAt.set(key, at);
      if (observation.kind !== 'begins' && observation.kind !== 'identify') return;
      const pause = at - (invalidatedAt.get(key) ?? -Infinity);
      if (pause < PAUSE_MS)
        violated(RESUME_PACE, `shard ${shard} on ${node} went on ${Math.round(pause)} ms after op 9`);
      invalidatedAt.delete(key);
      if (observation.kind === 'identify') return;
      const recent = [...(resumes.get(key) ?? []).filter((one) => one > at - MINUTE_MS), at];
      resumes.set(key, recent);
      if (recent.length > HANDFUL)
        violated(RESUME_PACE, `shard ${shard} on ${node} sent ${recent.length} RESUMEs in a minute`);
    },
  };
};

/** Invariant 8: no session is closed with 1000/1001 unless an operator ends it or the bot shuts down for good. */
const SESSIONS_KEPT = 'no session is closed with 1000 or 1001 except when the whole bot shuts down for good';

export const sessionsKept: MakeChecker = ({ violated }): Checker => {
  let isEnding = false;
  return {
    see: (observation) => {
      if (observation.kind === 'ending') isEnding = true;
      if (isEnding || observation.kind !== 'gateway' || observation.record.kind !== 'violation') return;
      const { kind, message } = observation.record.violation;
      if (kind === 'session-closed-for-good') violated(SESSIONS_KEPT, message);
    },
  };
};

/**
 * No rule of Discord's is broken that a correct client never breaks: payloads that cannot be read, too many of them,
 * bad IDENTIFYs. And what is meant for Discord, the bot's token first of all, goes to nobody else.
 */
const NO_RULE_BROKEN = 'no rule of Discord’s gateway is broken';
const NO_STRANGER = 'a RESUME goes only to hosts that Discord can have named';
const NEVER: ReadonlySet<string> = new Set(['bad-payload', 'send-rate', 'bad-identify', 'slow-reader']);

export const goodManners: MakeChecker = ({ plan, violated }): Checker => ({
  see: (observation) => {
    if (observation.kind === 'stranger') violated(NO_STRANGER, 'a connection was made to a host that is not Discord’s');
    if (observation.kind !== 'gateway' || observation.record.kind !== 'violation') return;
    const { kind, message } = observation.record.violation;
    if (NEVER.has(kind) || (kind === 'bad-resume' && plan.gentle)) violated(NO_RULE_BROKEN, message);
  },
});

/** Done means ready: a host says that a shard is resumed when READY or RESUMED came, and not before. */
const DONE_MEANS_READY = 'a shard is resumed when READY or RESUMED came, and not before';

export const doneMeansReady: MakeChecker = ({ violated }): Checker => ({
  see: (observation) => {
    if (observation.kind !== 'resumed' || observation.isUp) return;
    violated(DONE_MEANS_READY, `node ${observation.node} said so of shard ${observation.shard}, which was not up`);
  },
});
