export { orchestrated } from './orchestrated.js';
export { isRedelivered, nodeOf } from '../client/running.js';
export type { OrchestratedOptions } from '../client/options.js';
