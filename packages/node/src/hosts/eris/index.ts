/**
 * The line that an eris bot changes:
 *
 *     const bot = orchestrated(new Client(token, { … }));
 *     await bot.connect();
 *
 * connect() takes the process to the orchestrator, which says from then on which shards run here; it resolves when the
 * orchestrator has taken it in, and `bot.user` is there. disconnect() hands the shards back with their sessions kept.
 */
import type { Client } from 'eris';
import { orchestrate } from '../client/orchestrate.js';
import type { OrchestratedOptions } from '../client/options.js';
import { eris } from './eris-port.js';

export { isRedelivered, nodeOf } from '../client/orchestrate.js';
export type { OrchestratedOptions } from '../client/options.js';

/** The client that it is given. Throws `DSO_NODE_OPTIONS_INVALID`. */
export function orchestrated<C extends Client>(client: C, options: OrchestratedOptions = {}): C {
  const ways = orchestrate(eris(client), options);
  if (ways !== null) {
    client.connect = ways.connect;
    client.disconnect = () => void ways.disconnect();
  }
  return client;
}
