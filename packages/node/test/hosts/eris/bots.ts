/** Bots on eris, whose REST is led to the emulator. */
import http from 'node:http';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { Client } from 'eris';
import type { ClientOptions } from 'eris';
import { makeHost } from '../../../src/hosts/client/orchestrate.js';
import { resolveClientOptions } from '../../../src/hosts/client/options.js';
import { eris } from '../../../src/hosts/eris/eris-port.js';
import { carrying } from '../client/carrying.js';
import { loggerTo, movingState } from '../kept-state.js';
import type { MakeBot } from '../subject.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

/** eris speaks HTTPS whatever it is told: the agent takes it to the emulator unencrypted. */
export function erisClient({ token, httpUrl }: GatewayEmulator, options: Partial<ClientOptions> = {}): Client {
  const { hostname: host, port } = new URL(httpUrl);
  const agent = Object.assign(new http.Agent({ host, port: Number(port) }), { protocol: 'https:' });
  return new Client(`Bot ${token}`, { intents: 1 | 512 | 4096, ...options, rest: { agent: agent as never } });
}

export const makeErisBot: MakeBot = ({ gateway, handed, log, state, missed, quietMs }) => {
  const client = erisClient(gateway);
  client.on('rawWS', (packet, shardId) => {
    if ((packet.s ?? 0) > 0) handed(shardId, packet as never);
  });
  client.on('error', (error) => log(String(error)));
  client.on('shardMissed' as never, missed as never);
  const { handlersMs: _, ...timeouts } = TEST_TIMEOUTS as { handlersMs?: number };
  const options = resolveClientOptions({ timeouts: { ...timeouts, quietMs }, state: movingState(state) });
  return { host: carrying(makeHost(eris(client), options, loggerTo(log))) };
};
