export { createWsHost } from './ws-host.js';
export type { WsHost, WsHostOptions } from './options.js';
export type { GatewayTimeouts } from '../../gateway-shard/options.js';
