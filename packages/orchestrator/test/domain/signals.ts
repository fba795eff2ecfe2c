import type { NodeSignals } from '@dshard/protocol';

/** Of a node that just started: nothing is wrong, and its bot has no opinion. */
export const FRESH_SIGNALS: NodeSignals = {
  health: null,
  selfTest: 'none',
  selfTestReason: null,
  events: 0,
  handlerErrors: 0,
  handlerMs: 0,
  eventLoopDelayMs: 0,
  memoryBytes: 1,
  resumesRefused: 0,
  importsFailed: 0,
};
