/**
 * A discordeno bot had no `ready` in a process that was given running shards, so it never learned its own id there; and
 * what it sent in `ready` found no shard in `gateway.shards`.
 */
import { ActivityTypes, createBot } from '@discordeno/bot';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HostContext } from '../../../src/index.js';
import { createDiscordenoHost } from '../../../src/hosts/discordeno/index.js';
import { emulator } from '../subject.js';
import { leave } from '../leave.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

let gateway: GatewayEmulator;
const close: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(close.splice(0).map((each) => each()));
  await gateway.close();
});

const context: HostContext = {
  nodeId: 'a',
  totalShards: 4,
  requestIdentify: () => Promise.resolve({ coordinated: true, finished: () => undefined }),
};

function discordeno() {
  const ready: { id: string; shards: number[] }[] = [];
  const { token } = gateway;
  const bot = createBot({
    token: `${Buffer.from('123456789012345678').toString('base64')}.x.y`,
    intents: 1,
    desiredProperties: { user: { id: true } },
    rest: { token, proxy: { baseUrl: gateway.apiUrl, authorization: `Bot ${token}` } },
    gateway: { token, url: gateway.url },
    events: {
      ready: async ({ user }) => {
        ready.push({ id: String(user.id), shards: [...bot.gateway.shards.keys()] });
        await bot.gateway.editBotStatus({ status: 'idle', activities: [{ name: 'x', type: ActivityTypes.Playing }] });
      },
    },
  });
  const host = createDiscordenoHost({ bot });
  close.push(async () => {
    await Promise.all([0, 1, 2, 3].map((shardId) => host.stopShard(shardId, { keepSession: true })));
    await host.shutdown?.();
  });
  void host.sessionEstablished?.(context);
  return { bot, host, ready };
}

test('ready comes once, before the first shard is frozen at its origin; what it sends waits for the shard', async () => {
  gateway = await emulator();
  const [a, b] = [discordeno(), discordeno()];
  await a.host.startShards([0, 1], context);
  await until(() => a.ready.length === 2, { what: 'both shards' });
  expect([...a.bot.gateway.shards.keys()]).toEqual([0, 1]);
  await b.host.warm?.(0, a.host.cursorOf?.(0) ?? null, context);
  await b.host.warm?.(1, null, context);
  expect(b.ready).toEqual([{ id: gateway.world.userId, shards: [0] }]);
  expect(String(b.bot.applicationId)).toBe(gateway.world.applicationId);
  const session = await leave(a.host, 0);
  expect(await b.host.resumeShard(0, session, context)).toBe('resumed');
  await a.host.released?.(0);
  await until(
    () =>
      gateway.admin
        .status()
        .sessions.find(({ shard }) => shard === 0)
        ?.activities.includes('x') === true,
    {
      what: 'the presence',
    },
  );
  expect([...a.bot.gateway.shards.keys()]).toEqual([1]);
  await b.host.abortTransferTo?.(1);
  expect([[...b.bot.gateway.shards.keys()], b.ready.length]).toEqual([[0], 1]);
});
