/**
 * What a node says of how its version fares (capability `signals`), in each heartbeat: what a rollout compares with the
 * nodes of the version before. And what the orchestrator makes of it, for the probes of the node:
 *
 *     orch → node      versionHealth     whenever it is another one, and after Identified where the version fails
 */
import { optional, record, required, type Fields } from './fields.js';
import { count, flag, oneOf, real, text, type WireType } from './wire-types.js';

/** `none`: the bot has no self test. */
export const SELF_TESTS = ['none', 'running', 'passed', 'failed'] as const;
export type SelfTest = (typeof SELF_TESTS)[number];

/** The bot's own opinion of itself. */
export type HealthOpinion = { ok: boolean; reason: string | null };

/** Counters began with the process. */
export type NodeSignals = {
  /** null: the bot has none. */
  health: HealthOpinion | null;
  selfTest: SelfTest;
  /** Why it failed. */
  selfTestReason: string | null;
  /** Dispatches handed to user code. */
  events: number;
  /** Handlers that threw or rejected. */
  handlerErrors: number;
  /** Time from when user code got an event until the handlers that the host knows of had ended, summed up. */
  handlerMs: number;
  /** How late the event loop comes to what is due, of late. */
  eventLoopDelayMs: number;
  /** Resident set size. */
  memoryBytes: number;
  /** RESUMEs that Discord refused: the shard had to IDENTIFY. */
  resumesRefused: number;
  /** Shards whose state user code did not take. */
  importsFailed: number;
};

/** `failing`: why the node's version is not one to go on with, as far as the orchestrator knows; null: it does fine. */
export type VersionHealth = { kind: 'versionHealth'; failing: string | null };

const healthOpinion = record<HealthOpinion>({
  ok: required('OK', flag),
  reason: optional('Reason', text, null),
});

export const nodeSignals: WireType<NodeSignals> = record<NodeSignals>({
  health: optional('Health', healthOpinion, null),
  selfTest: required('SelfTest', oneOf(SELF_TESTS)),
  selfTestReason: optional('SelfTestReason', text, null),
  events: required('Events', count),
  handlerErrors: required('HandlerErrors', count),
  handlerMs: required('HandlerMs', real),
  eventLoopDelayMs: required('EventLoopDelayMs', real),
  memoryBytes: required('MemoryBytes', count),
  resumesRefused: required('ResumesRefused', count),
  importsFailed: required('ImportsFailed', count),
});

export const VERSION_FIELDS: Fields<Omit<VersionHealth, 'kind'>> = { failing: optional('Failing', text, null) };
