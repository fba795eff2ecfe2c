/** The pure half of a node, for those who drive it themselves (the exhaustive checker). */
export { decide } from './decide.js';
export type { HostCall, NodeEffect } from './effects.js';
export type { HostOutcome, NodeEvent } from './events.js';
export { DEFAULT_LIMITS } from './limits.js';
export type { SessionLimits } from './limits.js';
export { initialState } from './state.js';
export type { Cursor, NodeState } from './state.js';
