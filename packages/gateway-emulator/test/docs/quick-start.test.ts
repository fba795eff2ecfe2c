import { REST } from '@discordjs/rest';
import { WebSocketManager } from '@discordjs/ws';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { expect, test } from 'vitest';

test('my bot misses nothing when Discord cuts its connections', async () => {
  await using gateway = await startGatewayEmulator({ shards: 2, maxConcurrency: 2 });
  const { token, apiUrl } = gateway;
  const bot = new WebSocketManager({ token, intents: 1 | 512, rest: new REST({ api: apiUrl }).setToken(token) });
  const report = gateway.ledger.reporter('my bot');
  bot.on('dispatch', (payload, shard) => report(shard, payload));
  await bot.connect();

  gateway.traffic.burst(100);
  gateway.admin.drop(); // the sockets are cut, the sessions wait for RESUME
  gateway.traffic.burst(100);

  await gateway.settled(); // everything emitted was reported, or this throws
  gateway.ledger.expectExactlyOnce();
  expect(gateway.ledger.verdict().identifies.used).toBe(2);
  await bot.destroy({ code: 4200 });
});
