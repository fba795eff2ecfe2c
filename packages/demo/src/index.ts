/** What other programs of this repository use of the demo: its fleet of real processes. */
export { freePort, wayNumber } from './addresses.js';
export { Fleet } from './fleet.js';
export { runDso } from './orchestrator.js';
export { waitFor } from './steps.js';
