import { Client, Events, GatewayIntentBits } from 'discord.js';
import { DiscordjsHost } from '../../../src/hosts/discordjs/discordjs-host.js';
import { CACHE_EVENT, StateFrames } from '../../../src/hosts/discordjs/state-frames.js';
import { guildParts, sessionPart } from '../../../src/hosts/discordjs/shard-state.js';
import type { StatePart } from '../../../src/hosts/discordjs/shard-state.js';
import { orchestratedStrategy } from '../../../src/hosts/discordjs/strategy.js';
import type { MakeBot } from '../subject.js';
import { loggerTo, movingState } from '../kept-state.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

/** What a node would only call when login() is through. */
const AFTER_LOGIN: ReadonlySet<PropertyKey> = new Set(['startShards', 'resumeShard', 'preconnect']);

/** Where the caches are as they will have to be elsewhere. */
const LEAVES: ReadonlySet<PropertyKey> = new Set(['freeze', 'stopShard']);

/** The bot of the conformance suite, and of its seeded bugs. */
export const makeBot: MakeBot = ({ gateway, totalShards, handed, log, state, missed, quietMs }) => {
  let made: DiscordjsHost | undefined;
  const client: Client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages],
    rest: { api: gateway.apiUrl },
    ws: {
      buildStrategy: (manager) => {
        const host = new DiscordjsHost(
          client,
          manager,
          {
            timeouts: { ...TEST_TIMEOUTS, quietMs },
            state: movingState(state),
          },
          loggerTo(log),
        );
        made = host;
        return orchestratedStrategy({
          shards: () => host.pool,
          send: (shardId, payload) => host.send(shardId, payload),
          login: () => Promise.resolve(),
          destroy: () => Promise.resolve(),
        });
      },
    },
  });
  client.options.shards = [];
  client.options.shardCount = totalShards;
  client.on(Events.Raw, (packet: Parameters<typeof handed>[1], shardId: number) => {
    if (packet.s > 0) handed(shardId, packet);
  });
  client.on('shardMissed', missed);
  // The strategy, and with it the host, is made before login() waits for anything.
  const login = client.login(gateway.token);
  login.catch(() => undefined);
  if (made === undefined) throw new Error('login() did not make the host.');
  const host = new Proxy(made, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (LEAVES.has(name)) {
        return (shardId: number, ...args: unknown[]) => {
          carry(client, target, shardId);
          return method(shardId, ...args);
        };
      }
      return AFTER_LOGIN.has(name)
        ? async (shardId: number, ...args: unknown[]) => {
            await login;
            if (name === 'resumeShard' && !isHere(client, shardId)) await bring(target, shardId);
            return method(shardId, ...args);
          }
        : method;
    },
  });
  return { host, close: () => login.catch(() => undefined).then(() => client.destroy()) };
};

/** One that left answers lookups for a while. */
function isHere(client: Client, shardId: number): boolean {
  return [...client.ws.shards.keys()].includes(shardId);
}

/** The caches of shards on their way: a node always brings them along, and the suite plays nodes that have none. */
const carried = new Map<number, StatePart[]>();

function carry(client: Client, host: DiscordjsHost, shardId: number): void {
  const session = sessionPart(client);
  const guilds = [...client.guilds.cache.values()].filter((guild) => guild.shardId === shardId);
  if (session === null || host.cursorOf(shardId) === null) return;
  const done: StatePart = { kind: 'done', guildIds: guilds.map(({ id }) => id) };
  carried.set(shardId, [session, ...guilds.flatMap((guild) => [...guildParts(guild)]), done]);
}

async function bring(host: DiscordjsHost, shardId: number): Promise<void> {
  const frames = new StateFrames((frame) => host.handleUserEvent(shardId, CACHE_EVENT, frame));
  for (const part of carried.get(shardId) ?? []) await frames.add(part);
  await frames.flush();
}
