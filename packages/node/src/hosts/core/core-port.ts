/**
 * @discordjs/core: a client without caches, on a WebSocketManager. Dispatches are emitted on that manager, as its own
 * shards would; what is sent through it goes to the host. The guilds of a shard that comes are told by READY and
 * GUILD_CREATE, for bots with caches of their own.
 */
import type { Client } from '@discordjs/core';
import { WebSocketShardEvents, type WebSocketManager } from '@discordjs/ws';
import { NodeError } from '../../errors.js';
import type { Payload } from '../../guild-state/raw-guild.js';
import type { GatewaySettings } from '../client/client-host.js';
import { clientLogger, type Library, type PortHooks } from '../client/orchestrate.js';
import { Listeners, type Emitter } from '../listeners.js';
import { checkInternals, type ClientPort, type ConnectionEvent, type Packet } from '../client/port.js';
import type { WorkInFlight } from '../work-in-flight.js';

class CorePort implements ClientPort {
  readonly client: Client;
  readonly work: WorkInFlight;
  readonly #manager: WebSocketManager;
  readonly #listeners: Listeners;
  readonly #shardIds = new Set<number>();
  #isReady = false;

  /** Throws `DSO_LIBRARY_UNSUPPORTED`. */
  constructor(client: Client, { send, fetchStatus }: PortHooks) {
    checkInternals('@discordjs/core', '2.6.0', client, [
      'gateway.options.intents',
      'gateway.fetchStatus',
      'rawListeners',
    ]);
    this.client = client;
    const manager = client.gateway as WebSocketManager;
    this.#manager = manager;
    this.#listeners = Listeners.of(client);
    this.work = this.#listeners.work;
    manager.send = async (shardId, payload) => send(shardId, payload);
    manager.fetchStatus = fetchStatus;
    manager.updateShardCount = () => Promise.reject(notInCharge());
    this.#tellShardIds();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  totalShardsKnown(totalShards: number): void {
    this.#manager.options.shardCount = totalShards;
  }

  addShard(shardId: number): void {
    this.#shardIds.add(shardId);
    this.#tellShardIds();
  }

  inject(shardId: number, packet: Packet): Promise<void> | undefined {
    if (packet.t === 'READY') this.#isReady = true;
    return this.#listeners.during(() => {
      // That of a new session was told by its connection.
      if (packet.t === 'READY' && packet.s === 0) this.told('ready', shardId, [packet.d]);
      this.#manager.emit(WebSocketShardEvents.Dispatch, packet as never, shardId);
    });
  }

  complete(): void {}

  refreshGuild(shardId: number, guildId: string, data: Payload | null): void {
    const [t, d] = data === null ? ['GUILD_DELETE', { id: guildId, unavailable: true }] : ['GUILD_CREATE', data];
    void this.inject(shardId, { op: 0, t, s: 0, d });
  }

  removeGuild(shardId: number, guildId: string): void {
    void this.inject(shardId, { op: 0, t: 'GUILD_DELETE', s: 0, d: { id: guildId } });
  }

  sessionIs(): void {}

  removeShard(shardId: number): void {
    this.#shardIds.delete(shardId);
    this.#tellShardIds();
  }

  told(event: ConnectionEvent, shardId: number, values: readonly unknown[]): void {
    const manager: Emitter = this.#manager;
    if (event === 'error' && manager.rawListeners('error').length === 0) return;
    manager.emit(event, ...values, shardId);
  }

  tell(event: string, ...values: readonly unknown[]): Promise<void> | undefined {
    return this.#listeners.during(() => void (this.client as unknown as Emitter).emit(event, ...values));
  }

  /** `getShardIds()` says which run here. */
  #tellShardIds(): void {
    const shardIds = [...this.#shardIds].toSorted((a, b) => a - b);
    this.#manager.options.shardIds = shardIds;
    Reflect.set(this.#manager, 'shardIds', shardIds);
  }
}

function notInCharge(): NodeError {
  return new NodeError(
    'DSO_MANAGER_NOT_IN_CHARGE',
    'The manager was asked to change the shard count, but the orchestrator decides which shards run here.',
  );
}

/** What the host for clients needs to know of the library. */
export function core(client: Client): Library {
  return {
    name: '@discordjs/core',
    client,
    words: { login: 'gateway.connect()', destroy: 'gateway.destroy()' },
    userName: () => undefined,
    makePort: (hooks) => new CorePort(client, hooks),
    settings: () => settingsOf(client.gateway as WebSocketManager),
    // Its client does not know who it is.
    learnIdentity: () => Promise.resolve(),
    logger: clientLogger(client),
  };
}

function settingsOf({ options, token }: WebSocketManager): GatewaySettings {
  const { intents, rest, compression, identifyProperties, initialPresence, largeThreshold } = options;
  return { token, intents, rest, compression, identifyProperties, initialPresence, largeThreshold };
}
