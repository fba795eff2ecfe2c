import { test } from 'node:test';
import { REST } from '@discordjs/rest';
import { WebSocketManager } from '@discordjs/ws';
import { startGatewayEmulator } from '@dshard/gateway-emulator';

test('my bot misses nothing when its connections are reset', async (t) => {
  const gateway = await startGatewayEmulator({ shards: 2, maxConcurrency: 2 });
  t.after(() => gateway.close());
  const { token, apiUrl } = gateway;
  const bot = new WebSocketManager({ token, intents: 1 | 512, rest: new REST({ api: apiUrl }).setToken(token) });
  t.after(() => bot.destroy({ code: 4200 }));
  const handled = [];
  const report = gateway.ledger.reporter('my bot');
  bot.on('dispatch', (payload, shard) => {
    report(shard, payload);
    if (payload.t === 'MESSAGE_CREATE') handled.push({ id: payload.d.id });
  });
  await bot.connect();

  gateway.traffic.burst(100);
  gateway.admin.reset(); // the sockets are gone, the sessions wait for RESUME
  gateway.traffic.burst(100);

  await gateway.settled();
  gateway.ledger.expectExactlyOnce(handled); // a list of one's own is as good as reports
});
