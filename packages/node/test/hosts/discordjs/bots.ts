/** discord.js clients on their shard host against the emulator, with a test in the orchestrator's place. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import type { Logger } from '@dshard/transport';
import { cacheTree, compareTrees, until } from '@dshard/testkit';
import type { CacheComparison } from '@dshard/testkit';
import { Client, Events, GatewayIntentBits } from 'discord.js';
import type { ClientOptions } from 'discord.js';
import type { Cursor, HostContext, TransferContext } from '../../../src/index.js';
import { DiscordjsHost } from '../../../src/hosts/discordjs/discordjs-host.js';
import type { OrchestratedOptions } from '../../../src/hosts/discordjs/index.js';
import { orchestratedStrategy } from '../../../src/hosts/discordjs/strategy.js';

const ALL_INTENTS = Object.values(GatewayIntentBits).filter((bit) => typeof bit === 'number');

export class ClientBot {
  readonly client: Client;
  readonly name: string;
  readonly logged: string[] = [];
  readonly messages: { shardId: number; id: string }[] = [];
  /** Of everything that came from Discord. */
  readonly sequences: { shard: number; s: number; type: string }[] = [];
  /** Names of client events, in order. */
  readonly events: string[] = [];
  readonly context: HostContext;
  permits = 0;
  #host: DiscordjsHost | null = null;

  private constructor(
    name: string,
    gateway: GatewayEmulator,
    totalShards: number,
    options: Partial<OrchestratedOptions>,
    clientOptions: Partial<ClientOptions>,
  ) {
    this.name = name;
    const log = (_: unknown, message: string): void => void this.logged.push(message);
    const logger: Logger = { debug: () => undefined, info: log, warn: log, error: log };
    this.context = {
      nodeId: name,
      totalShards,
      requestIdentify: () => {
        this.permits++;
        return Promise.resolve({ coordinated: true, finished: () => undefined });
      },
    };
    this.client = new Client({
      intents: ALL_INTENTS,
      rest: { api: gateway.apiUrl },
      ...clientOptions,
      ws: {
        buildStrategy: (manager) => {
          const host = new DiscordjsHost(this.client, manager, options, logger);
          this.#host = host;
          return orchestratedStrategy({
            shards: () => host.pool,
            send: (shardId, payload) => host.send(shardId, payload),
            login: () => Promise.resolve(host.sessionEstablished(this.context)),
            destroy: () => Promise.resolve(),
          });
        },
      },
    });
    this.client.options.shards = [];
    this.client.options.shardCount = totalShards;
    for (const event of Object.values(Events)) {
      if (event !== Events.Debug && event !== Events.Raw) {
        this.client.on(event as Events.ClientReady, () => void this.events.push(event));
      }
    }
    // Sequence 0: a guild that moved here, told as at the start of a session.
    this.client.on(Events.Raw, (packet: { t: string; s: number; d: { id: string } }, shard: number) => {
      if (packet.s > 0) this.sequences.push({ shard, s: packet.s, type: packet.t });
      if (packet.t === 'MESSAGE_CREATE') {
        const at = Number(process.hrtime.bigint());
        gateway.ledger.handled({ node: name, events: [{ shard, s: packet.s, id: packet.d.id, t: packet.t, at }] });
      }
    });
    this.client.on(Events.MessageCreate, ({ id, guild }) => this.messages.push({ shardId: guild?.shardId ?? 0, id }));
  }

  static async start(
    name: string,
    gateway: GatewayEmulator,
    totalShards: number,
    options: Partial<OrchestratedOptions> = {},
    clientOptions: Partial<ClientOptions> = {},
  ): Promise<ClientBot> {
    const bot = new ClientBot(name, gateway, totalShards, options, clientOptions);
    await bot.client.login(gateway.token);
    return bot;
  }

  get host(): DiscordjsHost {
    if (this.#host === null) throw new Error('login() comes first.');
    return this.#host;
  }

  /** How often an event was emitted. */
  count(event: string): number {
    return this.events.filter((each) => each === event).length;
  }

  phase(shardId: number): string {
    return this.host.report().find((report) => report.shardId === shardId)?.phase ?? 'absent';
  }

  async startShards(...shardIds: number[]): Promise<void> {
    await this.host.startShards(shardIds, this.context);
    await until(() => this.client.isReady() && shardIds.every((shardId) => this.phase(shardId) === 'ready'), {
      what: `shards ${shardIds.join(', ')} of ${this.name} to be ready`,
      timeoutMs: 15_000,
    });
  }

  async close(): Promise<void> {
    const shardIds = this.host.report().map(({ shardId }) => shardId);
    await Promise.all(shardIds.map((shardId) => this.host.stopShard(shardId, { keepSession: true })));
    await this.host.shutdown();
    await this.client.destroy();
  }
}

/** A live move, by hand, one step after the other. */
export class Move {
  /** Where it was frozen. */
  cursor: Cursor | null = null;
  readonly #shardId: number;
  readonly #from: ClientBot;
  readonly #to: ClientBot;
  readonly #transfer: TransferContext;

  constructor(shardId: number, from: ClientBot, to: ClientBot) {
    this.#shardId = shardId;
    this.#from = from;
    this.#to = to;
    this.#transfer = {
      signal: new AbortController().signal,
      send: (event, value) => to.host.handleUserEvent(shardId, String(event), value),
      handled: () => Promise.resolve(),
    };
  }

  async copy(): Promise<void> {
    await this.#to.host.prepareTransferTo(this.#shardId, null);
    await this.#from.host.exportState(this.#shardId, this.#transfer);
  }

  async warm(): Promise<void> {
    await this.#to.host.warm(this.#shardId);
    const early = this.#from.host.cursorOf(this.#shardId);
    if (early !== null) await this.#to.host.preconnect(this.#shardId, early, this.#to.context);
  }

  /** Freeze, delta, release, resume, done. `frozen` runs while nobody hands over anything. */
  async finish(frozen: () => void = () => undefined): Promise<string | void> {
    const cursor = await this.#from.host.freeze(this.#shardId);
    this.cursor = cursor;
    await this.#from.host.exportDelta(this.#shardId, this.#transfer);
    await this.#from.host.release(this.#shardId);
    frozen();
    const outcome = await this.#to.host.resumeShard(this.#shardId, cursor, this.#to.context);
    await this.#from.host.released(this.#shardId);
    return outcome;
  }

  async abort(): Promise<void> {
    await this.#to.host.abortTransferTo(this.#shardId);
  }
}

/** A whole one. `meanwhile` runs between the copy and the freeze. */
export async function moveLive(
  shardId: number,
  from: ClientBot,
  to: ClientBot,
  meanwhile: () => unknown = () => undefined,
): Promise<string | void> {
  const move = new Move(shardId, from, to);
  await move.copy();
  await meanwhile();
  await move.warm();
  return move.finish();
}

/** An ordinary client that never restarts, with sessions of its own. */
export async function plainClient(gateway: GatewayEmulator, totalShards: number): Promise<Client> {
  const client = new Client({
    intents: ALL_INTENTS,
    rest: { api: gateway.apiUrl },
    shards: Array.from({ length: totalShards }, (_, shardId) => shardId),
    shardCount: totalShards,
  });
  await client.login(gateway.token);
  await until(() => client.isReady(), { what: 'the plain client to be ready', timeoutMs: 15_000 });
  return client;
}

/** All guilds and their users, field by field: what one client holds against what the bots hold together. */
export function compareCaches(expected: Client, bots: readonly ClientBot[]): CacheComparison {
  return compareTrees(treeOf([expected]), treeOf(bots.map(({ client }) => client)));
}

function treeOf(clients: readonly Client[]): ReturnType<typeof cacheTree> {
  return Object.fromEntries(
    clients.flatMap((client) =>
      [...client.guilds.cache.values()].flatMap((guild) => [
        [`guild ${guild.id}`, cacheTree(guild)] as const,
        ...guild.channels.cache.map(
          (channel) =>
            [
              `channel ${channel.id}`,
              client.channels.cache.get(channel.id) === channel ? channel.type : 'not the same',
            ] as const,
        ),
        ...guild.members.cache.map(({ id }) => {
          const user = client.users.cache.get(id);
          return [`user ${id} of ${guild.id}`, user === undefined ? null : cacheTree(user)] as const;
        }),
      ]),
    ),
  );
}
