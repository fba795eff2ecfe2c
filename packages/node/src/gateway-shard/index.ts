/**
 * The gateway shards of a process, for those who bring a library of their own (the simulator), or drive the machine
 * itself (the exhaustive checker).
 */
export { ABNORMAL_CODE, END_SESSION_CODE, KEEP_SESSION_CODE } from './close-codes.js';
export type { Dispatch } from './cursor.js';
export { decide, dueAt, whyNotMovable } from './decide.js';
export type { Decide } from './decide.js';
export type { ShardNews } from './driver.js';
export type { GatewayShardEffect, GatewayShardEvent, Moment, SocketEvent } from './events.js';
export type { GatewayOptions } from './options.js';
export { ShardPool } from './shard-pool.js';
export type { ShardPoolOptions } from './shard-pool.js';
export type { GatewaySocket, OpenSocket, Sending, SocketRequest } from './socket.js';
export { cursorOf, FIXED_RULES, finalCursor, initialShard, isOpen } from './state.js';
export type { GatewayShardState, Link, Rules } from './state.js';
export type { Delivery, GatewayTimeouts } from './options.js';
