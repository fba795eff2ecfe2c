/** The gateway shards of a client, on the @discordjs/ws inside discord.js. */
import type { ShardNews } from '../../gateway-shard/driver.js';
import { GatewayInfo } from '../../gateway-shard/gateway-info.js';
import type { GatewayOptions } from '../../gateway-shard/options.js';
import { ShardPool } from '../../gateway-shard/shard-pool.js';
import { wsSockets } from '../ws/ws-socket.js';
import type { ManagerOptions } from '../ws/ws-socket.js';
import type { GatewayManager } from './gateway-manager.js';
import { libraryOfDiscordJs } from './internals.js';
import { SimpleIdentifyThrottler } from './supported.js';

/** Throws `DSO_DISCORDJS_UNSUPPORTED`. */
export function makePool(
  manager: GatewayManager,
  options: GatewayOptions,
  tell: (event: ShardNews, value: unknown, shardId: number) => void,
): { pool: ShardPool; gatewayInfo: GatewayInfo } {
  const { clock, random, logger, timeouts } = options;
  const gatewayInfo = new GatewayInfo({ fetch: () => manager.fetchGatewayInformation(true), clock, random, logger });
  const pool = new ShardPool({
    options,
    openSocket: wsSockets({
      library: libraryOfDiscordJs(),
      managerOptions: () => manager.options as unknown as ManagerOptions,
      handshakeMs: timeouts.handshakeMs,
    }),
    gatewayUrl: () => gatewayInfo.known?.url ?? null,
    locate: async () => (await gatewayInfo.get()).url,
    localThrottler: () => gatewayInfo.throttler((maxConcurrency) => new SimpleIdentifyThrottler(maxConcurrency)),
    tell: (event, values, shardId) => tell(event, values[0], shardId),
  });
  return { pool, gatewayInfo };
}
