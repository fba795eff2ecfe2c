export type { MissedEvents, ShardLeaving } from './client-events.js';
export { isRedelivered, nodeOf, orchestrated } from './orchestrated.js';
export type { OrchestratedOptions } from './options.js';
export type { StateHooks } from '../user-code.js';
export type { GatewayTimeouts } from '../../gateway-shard/options.js';
