/**
 * The line that an oceanic.js bot changes:
 *
 *     const client = orchestrated(new Client({ auth: `Bot ${token}`, … }));
 *     await client.connect();
 *
 * connect() takes the process to the orchestrator, which says from then on which shards run here; it resolves when the
 * orchestrator has taken it in, and `client.user` is there. disconnect() hands the shards back with their sessions
 * kept.
 */
import type { Client } from 'oceanic.js';
import { orchestrate } from '../client/orchestrate.js';
import type { OrchestratedOptions } from '../client/options.js';
import { oceanic } from './oceanic-port.js';

export { isRedelivered, nodeOf } from '../client/orchestrate.js';
export type { OrchestratedOptions } from '../client/options.js';

/** The client that it is given. Throws `DSO_NODE_OPTIONS_INVALID`. */
export function orchestrated<C extends Client>(client: C, options: OrchestratedOptions = {}): C {
  const ways = orchestrate(oceanic(client), options);
  if (ways !== null) {
    client.connect = ways.connect;
    client.disconnect = () => void ways.disconnect();
  }
  return client;
}
