/** The two lines of a bot, against a real socket of an orchestrator that the test plays, and the emulator. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { tcpTransport } from '@dshard/transport';
import { leakGuard, until } from '@dshard/testkit';
import { Client, Events, GatewayIntentBits } from 'discord.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nodeOf, orchestrated } from '../../../src/hosts/discordjs/index.js';
import type { OrchestratedOptions } from '../../../src/hosts/discordjs/index.js';
import { BASE_LEVEL, FakeOrchestrator } from '../../fake-orchestrator.js';
import { emulator } from '../subject.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

let gateway: GatewayEmulator;
let orchestrator: FakeOrchestrator;
let address: string;
const clients: Client[] = [];

beforeEach(async () => {
  gateway = await emulator({ rate: 0 });
  orchestrator = new FakeOrchestrator({ ...BASE_LEVEL, totalShards: 4 });
  address = await orchestrator.listen(tcpTransport(), '127.0.0.1:0');
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.destroy()));
  await orchestrator.close();
  await gateway.close();
});

function client(options: OrchestratedOptions = {}): Client {
  const made = new Client({
    ...orchestrated({ orchestrator: address, nodeId: 'a', ...options }),
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
    rest: { api: gateway.apiUrl },
  });
  clients.push(made);
  return made;
}

describe('login()', () => {
  test('resolves when the orchestrator has taken the node in; shards start at its word, and then the client is ready', async () => {
    const bot = client();
    let ready = 0;
    bot.once(Events.ClientReady, () => ready++);
    expect(nodeOf(bot)).toBeNull();
    await bot.login(gateway.token);
    expect(nodeOf(bot)?.status).toMatchObject({ kind: 'established', nodeId: 'a', totalShards: 4 });
    expect([bot.isReady(), bot.ws.shards.size, bot.options.shardCount]).toEqual([false, 0, 4]);
    orchestrator.peer.send({ kind: 'startShards', shardIds: [1, 3] });
    await until(() => ready === 1, { what: 'clientReady' });
    expect([...bot.ws.shards.keys()]).toEqual([1, 3]);
    expect(bot.options.shards).toEqual([1, 3]);
    expect(bot.guilds.cache.size).toBe(8);
    expect(bot.user?.id).toBe(gateway.world.user.id);
    bot.ws.shards.get(1)?.send({ op: 3, d: { since: null, activities: [], status: 'idle', afk: false } });
    orchestrator.peer.send({ kind: 'stopShard', shardId: 1, session: null });
    await until(() => bot.ws.shards.size === 1, { what: 'the shard to leave' });
    expect(bot.guilds.cache.size).toBe(4);
  });

  /** Every public bot reads `client.user.id` there; a process that was given running shards has had no READY yet. */
  test('when it resolves, the user and the application are there, and a node without shards is not ready', async () => {
    const bot = client();
    await bot.login(gateway.token);
    expect(bot.user?.id).toBe(gateway.world.user.id);
    expect(bot.users.cache.get(gateway.world.user.id)).toBe(bot.user);
    expect(bot.application?.id).toBe(gateway.world.applicationId);
    await bot.application?.commands.set([{ name: 'ping', description: 'p' }]);
    bot.user?.setActivity('no shard is there to show it');
    expect([bot.isReady(), bot.ws.shards.size, bot.guilds.cache.size]).toEqual([false, 0, 0]);
  });

  test('gets a new node underneath after destroy(), and what is emitted once stays so', async () => {
    const bot = client();
    let ready = 0;
    bot.on(Events.ClientReady, () => ready++);
    await bot.login(gateway.token);
    orchestrator.peer.send({ kind: 'startShards', shardIds: [1] });
    await until(() => bot.isReady(), { what: 'the client to be ready' });
    const before = nodeOf(bot);
    await bot.destroy();
    await bot.login(gateway.token);
    expect(nodeOf(bot)).not.toBe(before);
    expect(nodeOf(bot)?.status).toMatchObject({ kind: 'established', nodeId: 'a' });
    expect([bot.isReady(), bot.guilds.cache.size, bot.user?.id]).toEqual([false, 0, gateway.world.user.id]);
    orchestrator.peer.send({ kind: 'startShards', shardIds: [1, 2] });
    await until(() => bot.isReady(), { what: 'the client to be ready again' });
    expect([bot.guilds.cache.size, ready]).toEqual([8, 1]);
    let messages = 0;
    bot.on(Events.MessageCreate, () => messages++);
    gateway.people.say('hello', { guildId: bot.guilds.cache.first()!.id });
    await until(() => messages > 0, { what: 'the message' });
    expect(messages).toBe(1);
  });

  /** A shutdown command that awaited destroy() waited for itself, for the whole of lingerMs. */
  test('a listener that awaits destroy() is not waited for; the others are', async () => {
    const bot = client({ lingerMs: 60_000 });
    const ended: string[] = [];
    let finish = (): void => undefined;
    bot.once(Events.ClientReady, async () => {
      await new Promise<void>((resolve) => (finish = resolve));
      ended.push('other');
    });
    bot.once(Events.ClientReady, async () => {
      await Promise.resolve();
      const destroyed = bot.destroy();
      finish();
      await destroyed;
      ended.push('destroyer');
    });
    await bot.login(gateway.token);
    orchestrator.peer.send({ kind: 'startShards', shardIds: [1] });
    await until(() => ended.length === 2, { what: 'both listeners to end' });
    expect(ended).toEqual(['other', 'destroyer']);
  });

  test('can be repeated after it failed', async () => {
    const bot = client();
    await expect(bot.login('wrong')).rejects.toMatchObject({ code: 'TokenInvalid' });
    await bot.login(gateway.token);
    orchestrator.peer.send({ kind: 'startShards', shardIds: [1] });
    await until(() => bot.isReady(), { what: 'the client to be ready' });
  });

  /** Both took the same node id from the launcher, and threw each other out for ever. */
  test('refuses a second client in the process by name, and so it does a second login() of the first', async () => {
    const first = client();
    await first.login(gateway.token);
    const second = client({ nodeId: 'b' });
    await expect(second.login(gateway.token)).rejects.toMatchObject({
      code: 'DSO_LOGIN_TWICE',
      message: expect.stringMatching(
        /to be node "b", was refused: .*node "a" already, by its first client \(emulated-bot/u,
      ),
    });
    await expect(first.login(gateway.token)).rejects.toMatchObject({
      code: 'DSO_LOGIN_TWICE',
      message: expect.stringMatching(/emulated-bot.* is node "a" already/u),
    });
    expect(orchestrator.peers).toHaveLength(1);
    const plain = new Client({ intents: [], rest: { api: gateway.apiUrl } });
    clients.push(plain);
    await plain.login(gateway.token);
    await first.destroy();
    await second.login(gateway.token);
    expect(nodeOf(second)?.nodeId).toBe('b');
  });

  test('destroy() hands the shards back: their sessions can be resumed', async () => {
    const bot = client();
    await bot.login(gateway.token);
    orchestrator.peer.send({ kind: 'startShards', shardIds: [0] });
    await until(() => bot.isReady(), { what: 'the client to be ready' });
    const node = nodeOf(bot);
    await bot.destroy();
    expect(await node?.closed).toMatchObject({ asked: 'bot', final: false });
    expect(gateway.admin.status().sessions).toMatchObject([{ shard: 0, attached: false }]);
  });

  test('throws discord.js’ own error for a wrong token, and the orchestrator hears nothing of it', async () => {
    const bot = client();
    await expect(bot.login('wrong')).rejects.toMatchObject({ code: 'TokenInvalid' });
    expect(orchestrator.peers).toHaveLength(0);
  });

  test('options of one call are for one client', async () => {
    const options = orchestrated({ orchestrator: address, nodeId: 'a' });
    const [one, two] = [1, 2].map(() => new Client({ ...options, intents: [], rest: { api: gateway.apiUrl } }));
    clients.push(one!, two!);
    await one!.login(gateway.token);
    await expect(two!.login(gateway.token)).rejects.toMatchObject({ code: 'DSO_CLIENT_UNKNOWN' });
  });

  test('a client of another copy of discord.js is refused in words', async () => {
    const { ws } = orchestrated({ orchestrator: address });
    expect(() => ws?.buildStrategy?.({} as never)).toThrow(/another copy of discord\.js/u);
  });
});

describe('client.shard, for code that was written for ShardingManager', () => {
  test('says what runs here, and names the way out where there is no ShardingManager', async () => {
    const bot = client();
    await bot.login(gateway.token);
    orchestrator.peer.send({ kind: 'startShards', shardIds: [1, 3] });
    await until(() => bot.isReady(), { what: 'the client to be ready' });
    const { shard } = bot;
    expect([shard?.ids, shard?.count, shard?.mode, shard?.parentPort]).toEqual([[1, 3], 4, 'process', null]);
    expect(shard?.client).toBe(bot);
    await expect(shard?.send('hello')).rejects.toMatchObject({ code: 'DSO_NO_PARENT', message: /fleet\.call/u });
    await expect(shard?.respawnAll()).rejects.toMatchObject({ code: 'DSO_CALL_REFUSED', message: /dso rollout/u });
    // This orchestrator knows no fleet calls.
    await expect(shard?.fetchClientValues('guilds.cache.size')).rejects.toMatchObject({ code: 'DSO_CALL_REFUSED' });
    await expect(shard?.broadcastEval((c) => c.guilds.cache.size)).rejects.toMatchObject({ code: 'DSO_CALL_REFUSED' });
  });
});

describe('without an orchestrator', () => {
  test('it is a plain client with all shards, and says so once', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    orchestrated();
    const bot = new Client({ ...orchestrated(), intents: [GatewayIntentBits.Guilds], rest: { api: gateway.apiUrl } });
    clients.push(bot);
    const warnings = warned.mock.calls.filter(
      ([, options]) => (options as { code?: string }).code === 'DSO_STANDALONE',
    );
    warned.mockRestore();
    expect(warnings).toHaveLength(1);
    await bot.login(gateway.token);
    await until(() => bot.isReady(), { what: 'the client to be ready' });
    expect(bot.guilds.cache.size).toBe(16);
    expect(nodeOf(bot)).toBeNull();
  });
});

describe('options that cannot work are refused by name', () => {
  test.each<[string, object, RegExp]>([
    [
      'an unknown one',
      { orchestratr: 'x' },
      /"orchestratr" of orchestrated is not known; did you mean "orchestrator"/u,
    ],
    ['one callback of two', { exportShard: () => 1 }, /"exportShard" of orchestrated needs importShard/u],
    ['the other', { importShard: () => undefined }, /"importShard" of orchestrated needs exportShard/u],
    ['a strategy', { ws: { buildStrategy: () => undefined } }, /"ws" of orchestrated has a strategy/u],
    ['a timeout that is none', { timeouts: { helloMs: 0 } }, /"timeouts.helloMs" of orchestrated is 0/u],
    ['an unknown timeout', { timeouts: { hello: 1 } }, /"hello" of orchestrated \(timeouts\) is not known/u],
    [
      'half a state',
      { state: { exportState: async () => undefined } },
      /"state" of orchestrated has exportState and no/u,
    ],
  ])('an option is refused by name: %s', (_, options, message) => {
    expect(() => orchestrated(options)).toThrow(message);
    expect(() => orchestrated(options)).toThrow(expect.objectContaining({ code: 'DSO_NODE_OPTIONS_INVALID' }));
  });
});

describe('with DISCORD_API in the environment', () => {
  beforeEach(() => vi.stubEnv('DISCORD_API', gateway.apiUrl));
  afterEach(() => vi.unstubAllEnvs());

  test('the client asks there, so that the lines of the tutorial run against the emulator', () => {
    expect(orchestrated()).toMatchObject({ rest: { api: gateway.apiUrl } });
  });

  test('a bot that says itself where Discord is keeps what it says', () => {
    const rest = { api: 'http://127.0.0.1:1/api' };
    const bot = new Client({ ...orchestrated(), intents: [], rest });
    clients.push(bot);
    expect(bot.options.rest?.api).toBe(rest.api);
  });
});
