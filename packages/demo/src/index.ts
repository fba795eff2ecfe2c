/** What other programs of this repository use of the demo: its fleet of real processes. */
export { freePort, wayNumber } from './addresses.js';
export { botIn, Fleet } from './fleet.js';
export type { BotProgram, FleetOptions } from './fleet.js';
export { DSO_PROGRAM, readableLine, runDso } from './orchestrator.js';
export { waitFor } from './steps.js';
