export { orchestrated } from './orchestrated.js';
export { isRedelivered, nodeOf } from '../client/orchestrate.js';
export type { OrchestratedOptions } from '../client/options.js';
