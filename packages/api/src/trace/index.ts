/** The checks of an event history, for `dso verify-trace` and the simulator. */
export { Facts, traceEntry } from './entry.js';
export type { TracedName, TraceEntry } from './entry.js';
export { durationsOf } from './figures.js';
export type { Durations } from './figures.js';
export { TraceChecks } from './trace-checks.js';
export type { TraceReport, TraceViolation } from './trace-checks.js';
