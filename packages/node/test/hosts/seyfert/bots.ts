/** Bots on seyfert, as far as `start()` makes them before it connects. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { ApiHandler, Client, createEvent, ShardManager } from 'seyfert';
import { HandleCommand } from 'seyfert/lib/commands/handle.js';
import { makeHost } from '../../../src/hosts/client/orchestrate.js';
import { resolveClientOptions } from '../../../src/hosts/client/options.js';
import { seyfert } from '../../../src/hosts/seyfert/seyfert-port.js';
import { carrying } from '../client/carrying.js';
import { loggerTo, movingState } from '../kept-state.js';
import type { MakeBot } from '../subject.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

export function seyfertClient({ token, httpUrl, url }: GatewayEmulator, intents: number): Client {
  const client = new Client({ getRC: () => ({ token, intents, locations: { base: '' }, debug: false }) });
  const session_start_limit = { total: 1_000, remaining: 1_000, reset_after: 0, max_concurrency: 1 };
  const info = { url, shards: 1, session_start_limit };
  client.setServices({
    rest: new ApiHandler({ token, domain: httpUrl, baseUrl: 'api/v10' }),
    gateway: new ShardManager({ token, intents, info, handlePayload: () => undefined }),
  });
  client.cache.intents = intents;
  client.handleCommand = new HandleCommand(client);
  client.logger.active = false;
  return client;
}

/** What a bot does at an event of its client, or of ours. */
export function on(client: Client, name: string, run: (...values: never[]) => unknown): void {
  client.events.set([createEvent({ data: { name: name as 'raw' }, run: run as never }) as never]);
}

export const makeSeyfertBot: MakeBot = ({ gateway, handed, log, state, missed, quietMs }) => {
  const client = seyfertClient(gateway, 1 | 512 | 4096);
  on(client, 'raw', (packet: { s: number | null }, _: never, shardId: number) => {
    if ((packet.s ?? 0) > 0) handed(shardId, packet as never);
  });
  on(client, 'shardMissed', missed);
  const options = resolveClientOptions({ timeouts: { ...TEST_TIMEOUTS, quietMs }, state: movingState(state) });
  return { host: carrying(makeHost(seyfert(client), options, loggerTo(log))) };
};
