/** Whether a process that stays empty, and gets shards again, hears of that. */
import { expect, test } from 'vitest';
import { EXTENDED } from './fake-orchestrator.js';
import { close, world } from './node-world.js';

async function told(options: { onStandby?: () => Promise<void> } = {}) {
  const heard: string[] = [];
  const bot = await world(EXTENDED, options);
  bot.node.onStandby(() => void heard.push('standby'));
  bot.node.onActive(() => void heard.push('active'));
  bot.node.onShutdown(() => void heard.push('shutdown'));
  await bot.start();
  return { ...bot, heard };
}

test('a process is told of standby when its last shard has left, and not before', async () => {
  const { node, clock, say, heard } = await told();
  await say({ kind: 'startShards', shardIds: [1, 2] });
  await say({ kind: 'stopShard', shardId: 1, session: null });
  expect(heard).toEqual([]);
  await say({ kind: 'stopShard', shardId: 2, session: null });
  expect(heard).toEqual(['standby']);
  await close(node, clock);
});

test('a process is active again with the first shard that comes back, and is told once', async () => {
  const { node, clock, say, heard } = await told();
  await say({ kind: 'startShards', shardIds: [1] });
  await say({ kind: 'stopShard', shardId: 1, session: null });
  await say({ kind: 'startShards', shardIds: [1, 2] });
  expect(heard).toEqual(['standby', 'active']);
  await close(node, clock);
});

test('a process that leaves is told by onShutdown, and of no standby', async () => {
  const { node, clock, say, heard } = await told();
  await say({ kind: 'startShards', shardIds: [1] });
  await close(node, clock);
  expect(heard).toEqual(['shutdown']);
});

test('a process that has had no shard yet is in no standby', async () => {
  const { node, clock, heard } = await told();
  await clock.run(60_000);
  expect(heard).toEqual([]);
  await close(node, clock);
});

test('a bot that goes to rest slowly is woken after that, and what throws is only logged', async () => {
  let rest = (): void => undefined;
  const onStandby = (): Promise<void> => new Promise((_, reject) => (rest = () => reject(new Error('no rest'))));
  const { node, clock, say, heard, logged } = await told({ onStandby });
  await say({ kind: 'startShards', shardIds: [1] });
  await say({ kind: 'stopShard', shardId: 1, session: null });
  await say({ kind: 'startShards', shardIds: [1] });
  expect(heard).toEqual([]);
  rest();
  await clock.run(10);
  expect(heard).toEqual(['standby', 'active']);
  expect(logged.join('\n')).toContain('onStandby');
  await close(node, clock);
});
