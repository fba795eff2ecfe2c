/** Bots on oceanic.js. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { Client } from 'oceanic.js';
import type { ClientOptions } from 'oceanic.js';
import { makeHost } from '../../../src/hosts/client/orchestrate.js';
import { resolveClientOptions } from '../../../src/hosts/client/options.js';
import { oceanic } from '../../../src/hosts/oceanic/oceanic-port.js';
import { carrying } from '../client/carrying.js';
import { loggerTo, movingState } from '../kept-state.js';
import type { MakeBot } from '../subject.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

export function oceanicClient(
  { token, apiUrl }: GatewayEmulator,
  intents: number,
  options: ClientOptions = {},
): Client {
  return new Client({ auth: `Bot ${token}`, rest: { baseURL: `${apiUrl}/v10` }, gateway: { intents }, ...options });
}

export const makeOceanicBot: MakeBot = ({ gateway, handed, log, state, missed, quietMs }) => {
  const client = oceanicClient(gateway, 1 | 512 | 4096);
  client.on('packet', (packet, shardId) => {
    if ((packet.s ?? 0) > 0) handed(shardId, packet);
  });
  client.on('error', (error) => log(String(error)));
  client.on('shardMissed' as never, missed);
  const options = resolveClientOptions({ timeouts: { ...TEST_TIMEOUTS, quietMs }, state: movingState(state) });
  return { host: carrying(makeHost(oceanic(client), options, loggerTo(log))) };
};
