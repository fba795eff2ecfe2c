import type { Effect } from './effects.js';
import type { OrchestratorState } from './state.js';

/** What came of one event. */
export type Decision = { state: OrchestratorState; effects: readonly Effect[] };
