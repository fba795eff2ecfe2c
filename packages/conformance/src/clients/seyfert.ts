/**
 * seyfert. Its websocket speaks through `node:https` to port 443 of the host, whatever the URL says: the process's agent for https
 * takes it to the emulator, unencrypted. The gateway goes by a name of its own, so that the agent can tell it from the resume host.
 */
import { Agent } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createConnection } from 'node:net';
import { ApiHandler, ShardManager } from 'seyfert';
import { readOrder, sayDispatch } from './client-channel.js';

const { apiUrl, gatewayUrl, resumePort, token, intents } = readOrder();
const { origin } = new URL(apiUrl);
const gatewayPort = Number(new URL(gatewayUrl).port);
const gatewayName = 'gateway.emulated';

class ToEmulator extends Agent {
  readonly protocol = 'https:';
  createConnection(options: { host?: string | null }): Socket {
    return createConnection(options.host === gatewayName ? gatewayPort : resumePort, '127.0.0.1');
  }
}
https.globalAgent = new ToEmulator() as unknown as https.Agent;

const rest = new ApiHandler({ token, domain: origin, baseUrl: 'api/v10' });
const info = await rest.proxy.gateway.bot.get();
const manager = new ShardManager({
  token,
  intents,
  info: { ...info, url: `wss://${gatewayName}` },
  handlePayload: (shard, packet) => sayDispatch(shard, packet),
});
await manager.spawnShards();
