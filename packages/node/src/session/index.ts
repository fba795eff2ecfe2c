/** The pure half of a node, for those who drive it themselves (the exhaustive checker). */
export { decide } from './decide.js';
export type { HostCall, NodeEffect } from './effects.js';
export type { HostOutcome, NodeEvent } from './events.js';
export { initialState } from './state.js';
export type { Cursor, NodeState, SessionLimits } from './state.js';
