/**
 * Two processes with a bot on one library, and a third that never moves: by hand what the node does with a host when a
 * shard moves live.
 */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { until } from '@dshard/testkit';
import type { ClientHost } from '../../../src/hosts/client/client-host.js';
import type { OrchestratedOptions } from '../../../src/hosts/client/options.js';
import type { Cursor, HostContext, TransferContext } from '../../../src/index.js';

export type ClientBot = {
  host: ClientHost;
  /** Default: true. Where objects that left still answer, by `finds`. */
  hasCaches?: boolean;
  /** Names of the events that the bot's listeners got, in order, with the shard or the guild they are about. */
  events: string[];
  /** Everything that the library shows of its guilds. */
  shown: () => unknown;
  /** `client.guilds` and the like: what is counted, and what is found by id. */
  guildIds: () => readonly string[];
  finds: (guildId: string, channelId: string) => boolean;
  /** The library's own ways to send. */
  setPresence: (shardId: number, name: string) => void;
  fetchMembers: (guildId: string) => Promise<number>;
  joinVoice: (guildId: string, channelId: string) => void;
  /** Runs when the library says that it is ready. */
  onReady: (listener: () => unknown) => void;
};

export type MakeClientBot = (gateway: GatewayEmulator, options: OrchestratedOptions) => ClientBot;

export class Actor {
  readonly name: string;
  readonly bot: ClientBot;
  readonly context: HostContext;
  identifies = 0;

  constructor(
    name: string,
    gateway: GatewayEmulator,
    totalShards: number,
    make: MakeClientBot,
    options: OrchestratedOptions,
  ) {
    this.name = name;
    this.bot = make(gateway, options);
    this.context = {
      nodeId: name,
      totalShards,
      requestIdentify: () => {
        this.identifies++;
        return Promise.resolve({ coordinated: true, finished: () => undefined });
      },
    };
    this.host.sessionEstablished(this.context);
  }

  get host(): ClientHost {
    return this.bot.host;
  }

  async start(...shardIds: number[]): Promise<void> {
    await this.host.startShards(shardIds, this.context);
    await this.ready(...shardIds);
  }

  async ready(...shardIds: number[]): Promise<void> {
    const isReady = (shardId: number): boolean =>
      this.host.report().some((report) => report.shardId === shardId && report.phase === 'ready') &&
      this.host.shardsInClient()?.includes(shardId) === true;
    await until(() => shardIds.every(isReady), { what: `shards ${shardIds.join()} of ${this.name} to be ready` });
  }

  /** Everything up to the freeze. `signal` may end it. */
  async copy(shardId: number, to: Actor): Promise<void> {
    await to.host.prepareTransferTo(shardId, this.host.cursorOf(shardId));
    await this.host.exportState(shardId, this.#transferTo(shardId, to));
    await to.host.warm(shardId, this.host.cursorOf(shardId), to.context);
  }

  async migrate(shardId: number, to: Actor): Promise<Cursor> {
    const early = this.host.cursorOf(shardId);
    if (early !== null) await to.host.preconnect(shardId, early, to.context);
    const cursor = await this.host.freeze(shardId);
    await this.host.exportDelta(shardId, this.#transferTo(shardId, to));
    await this.host.release(shardId);
    return cursor;
  }

  async move(shardId: number, to: Actor): Promise<void> {
    await this.copy(shardId, to);
    const cursor = await this.migrate(shardId, to);
    await to.host.resumeShard(shardId, cursor, to.context);
    await this.host.released(shardId);
    await to.ready(shardId);
  }

  #transferTo(shardId: number, to: Actor): TransferContext {
    return {
      send: (event, value) => to.host.handleUserEvent(shardId, String(event), structuredClone(value)),
      handled: () => Promise.resolve(),
      signal: new AbortController().signal,
    };
  }

  async close(): Promise<void> {
    const shardIds = this.host.report().map(({ shardId }) => shardId);
    await Promise.all(shardIds.map((shardId) => this.host.stopShard(shardId, { keepSession: true })));
    await this.host.shutdown();
  }
}

/** Deep and plain: maps by their keys, what was met before by its id, without what is not the guild's. */
export function plain(value: unknown, skip: ReadonlySet<string>, above: readonly unknown[] = []): unknown {
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? 'function' : value;
  if (above.includes(value)) return `↑ ${String((value as { id?: unknown }).id)}`;
  const inside = [...above, value];
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => plain(item, skip, inside));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const kept = entries.filter(([key]) => !skip.has(String(key)));
  return Object.fromEntries(
    kept
      .map(([key, item]) => [String(key), plain(item, skip, inside)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}
