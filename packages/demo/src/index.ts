/** What other programs of this repository use of the demo: its fleet of real processes. */
export { runDso } from './dso.js';
export { Fleet } from './fleet.js';
export { freePort } from './free-port.js';
export { waitFor } from './wait.js';
export { wayNumber } from './ways.js';
