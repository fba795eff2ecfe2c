/** Bots on @discordjs/core. */
import { Client } from '@discordjs/core';
import { REST } from '@discordjs/rest';
import { WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { makeHost } from '../../../src/hosts/client/orchestrate.js';
import { resolveClientOptions } from '../../../src/hosts/client/options.js';
import { core } from '../../../src/hosts/core/core-port.js';
import { carrying } from '../client/carrying.js';
import { loggerTo, movingState } from '../kept-state.js';
import type { MakeBot } from '../subject.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

export function coreClient(
  { token, apiUrl }: GatewayEmulator,
  intents: number,
): { client: Client; manager: WebSocketManager } {
  const rest = new REST({ api: apiUrl }).setToken(token);
  const manager = new WebSocketManager({ token, intents, rest });
  return { client: new Client({ rest, gateway: manager }), manager };
}

export const makeCoreBot: MakeBot = ({ gateway, handed, log, state, missed, quietMs }) => {
  const { client, manager } = coreClient(gateway, 1 | 512 | 4096);
  manager.on(WebSocketShardEvents.Dispatch, (packet, shardId) => {
    if (packet.s > 0) handed(shardId, packet);
  });
  client.on('shardMissed' as never, missed as never);
  const options = resolveClientOptions({ timeouts: { ...TEST_TIMEOUTS, quietMs }, state: movingState(state) });
  return { host: carrying(makeHost(core(client), options, loggerTo(log))) };
};
