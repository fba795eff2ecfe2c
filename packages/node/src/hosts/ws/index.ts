export { createWsHost } from './ws-host.js';
export type { WsHost } from './ws-host.js';
export type { WsHostOptions, WsHostTimeouts } from './options.js';
