/** The pure core, for those who drive it themselves or watch it from within (the simulator). */
export { decide, initialState } from './decide.js';
export type { Decide, InitialState } from './decide.js';
export type { Effect, HistoryEntry } from './state/effects.js';
export type { DomainEvent } from './state/events.js';
export { assertInvariants } from './invariants.js';
export { assertStep } from './step-invariants.js';
export type { OrchestratorState, ShardState } from './state/state.js';
export { durableWrites } from './durable/writes.js';
export { restoredState } from './durable/restore.js';
export type { Settings } from './state/settings.js';
