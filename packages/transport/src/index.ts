export type { Cancel, Clock, Ms } from './clock.js';
export { delay } from './clock.js';
export type { Random } from './random.js';
export type { Logger } from './logger.js';
export { silentLogger } from './logger.js';
export type { Address, ByteStream, ByteStreamHandlers, CloseReason, Listener, Transport } from './byte-stream.js';
export type { ConnectionEnd, MessageConnection, MessageConnectionHandlers, MessageConnectionOptions } from './message-connection.js';
