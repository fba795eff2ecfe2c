import type { Effect } from './effects.js';
import type { DomainEvent } from './events.js';
import type { Settings } from './settings.js';
import type { OrchestratorState } from './state.js';

/** What came of one event. */
export type Decision = { state: OrchestratorState; effects: readonly Effect[] };

/** The whole domain: plain data in, plain data out. No clock, no randomness, no I/O. */
export type Decide = (state: OrchestratorState, event: DomainEvent, now: number) => Decision;

export type InitialState = (settings: Settings, now: number) => OrchestratorState;
