/** @discordeno/gateway. */
import { createGatewayManager } from '@discordeno/gateway';
import { readOrder, sayDispatch } from './client-channel.js';

const { apiUrl, token, intents } = readOrder();
const answer = await fetch(`${apiUrl}/v10/gateway/bot`, { headers: { authorization: `Bot ${token}` } });
const bot = (await answer.json()) as {
  url: string;
  shards: number;
  session_start_limit: { total: number; remaining: number; reset_after: number; max_concurrency: number };
};
const { total, remaining, reset_after: resetAfter, max_concurrency: maxConcurrency } = bot.session_start_limit;
const gateway = createGatewayManager({
  token,
  intents,
  preferSnakeCase: true,
  connection: { url: bot.url, shards: bot.shards, sessionStartLimit: { total, remaining, resetAfter, maxConcurrency } },
  events: { message: (shard, payload) => sayDispatch(shard.id, payload) },
});
await gateway.spawnShards();
