/**
 * The line that a bot on @discordjs/core changes:
 *
 *     const client = orchestrated(new Client({ rest, gateway }));
 *     await gateway.connect();
 *
 * connect() takes the process to the orchestrator, which says from then on which shards run here; it resolves when the
 * orchestrator has taken it in. destroy() hands the shards back with their sessions kept.
 */
import type { Client } from '@discordjs/core';
import type { WebSocketManager } from '@discordjs/ws';
import { orchestrate } from '../client/orchestrate.js';
import type { OrchestratedOptions } from '../client/options.js';
import { core } from './core-port.js';

export { isRedelivered, nodeOf } from '../client/orchestrate.js';
export type { OrchestratedOptions } from '../client/options.js';

/** The client that it is given. Throws `DSO_NODE_OPTIONS_INVALID`. */
export function orchestrated<C extends Client>(client: C, options: OrchestratedOptions = {}): C {
  const ways = orchestrate(core(client), options);
  if (ways !== null) {
    const manager = client.gateway as WebSocketManager;
    manager.connect = ways.connect;
    manager.destroy = ways.disconnect;
  }
  return client;
}
