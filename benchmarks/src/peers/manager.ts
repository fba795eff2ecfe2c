/**
 * The manager of another library, in a process of its own as its users have it. It starts the bot, says `up`, and on
 * `restart` does what that library has for a deploy, with the waits that the library has by default; then it says
 * `restarted`.
 */
import { fileURLToPath } from 'node:url';
import { ClusterManager, ReClusterManager } from 'discord-hybrid-sharding';
import { ShardingManager } from 'discord.js';
import type { ManagerName } from './managers.js';

const name = process.env['BENCH_MANAGER'] as Exclude<ManagerName, 'dshardorchestrator'>;
const totalShards = Number(process.env['BENCH_SHARDS']);
const token = process.env['DISCORD_TOKEN'] ?? '';
const bot = fileURLToPath(new URL('bot.js', import.meta.url));

const restart = name === 'ShardingManager' ? await shardingManager() : await hybridSharding();
process.send?.('up');
process.on('message', () => void restart().then(() => process.send?.('restarted')));

/** A process per shard. By default 5.5 s from one to the next, and 5 s in a restart. */
async function shardingManager(): Promise<() => Promise<unknown>> {
  const manager = new ShardingManager(bot, { totalShards, token });
  await manager.spawn();
  return () => manager.respawnAll();
}

/** Two clusters, as two nodes. `rolling`: an old cluster is killed when the new one is ready. */
async function hybridSharding(): Promise<() => Promise<unknown>> {
  const manager = new ClusterManager(bot, { totalShards, totalClusters: 2, mode: 'process', token });
  const recluster = new ReClusterManager();
  manager.extend(recluster);
  await manager.spawn({ timeout: -1 });
  return () => recluster.start({ restartMode: 'rolling' });
}
