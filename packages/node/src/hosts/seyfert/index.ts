/**
 * The line that a seyfert bot changes:
 *
 *     const client = orchestrated(new Client());
 *     await client.start();
 *
 * start() takes the process to the orchestrator, which says from then on which shards run here; it resolves when the
 * orchestrator has taken it in, and `client.me` is there. `client.gateway.disconnectAll()` hands the shards back with
 * their sessions kept.
 */
import type { Client, ShardManager } from 'seyfert';
import { orchestrate } from '../client/orchestrate.js';
import type { OrchestratedOptions } from '../client/options.js';
import { seyfert } from './seyfert-port.js';

export { isRedelivered, nodeOf } from '../client/orchestrate.js';
export type { OrchestratedOptions } from '../client/options.js';

/** What start() calls at last, when the client has its gateway. */
type Executes = { execute(options: object): Promise<void>; gateway: ShardManager };

/** The client that it is given. Throws `DSO_NODE_OPTIONS_INVALID`. */
export function orchestrated<C extends Client>(client: C, options: OrchestratedOptions = {}): C {
  const ways = orchestrate(seyfert(client), options);
  if (ways === null) return client;
  const starting = client as unknown as Executes;
  const execute = starting.execute.bind(client);
  starting.execute = async (given) => {
    starting.gateway.spawnShards = ways.connect;
    starting.gateway.disconnectAll = () => void ways.disconnect();
    await execute(given);
  };
  return client;
}
