/** Bots on @discordjs/ws, and a world for each test in which they live. */
import { WebSocketShardEvents } from '@discordjs/ws';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { createWsHost } from '../../../src/hosts/ws/index.js';
import type { WsHost, WsHostOptions } from '../../../src/hosts/ws/index.js';
import { loggerTo } from '../kept-state.js';
import { emulator, Subject } from '../subject.js';
import type { EmulatorOptions } from '../subject.js';
import { TEST_TIMEOUTS } from '../timeouts.js';
import { leave } from '../leave.js';

const GUILD_MESSAGES = 1 | 512 | 4096;

export class Bot extends Subject<WsHost> {
  constructor(name: string, gateway: GatewayEmulator, totalShards: number, options: Partial<WsHostOptions> = {}) {
    super(name, gateway, totalShards, ({ handed, log }) => {
      const host = createWsHost({
        token: gateway.token,
        intents: GUILD_MESSAGES,
        ...(options.rest === undefined ? { api: gateway.apiUrl } : {}),
        logger: loggerTo(log),
        ...options,
        timeouts: { ...TEST_TIMEOUTS, ...options.timeouts },
      });
      // Sequence 0: a READY that was made here.
      host.manager.on(WebSocketShardEvents.Dispatch, (payload, shardId) => payload.s > 0 && handed(shardId, payload));
      return { host };
    });
    void this.host.sessionEstablished?.(this.context);
  }

  /** The planned migration, by hand. */
  async migrate(shardId: number, destination: Bot): Promise<void> {
    const session = await leave(this.host, shardId);
    await destination.host.resumeShard(shardId, session, destination.context);
    await this.host.released?.(shardId);
  }
}

/** An emulator and the bots on it, for one test. */
export class Scene {
  readonly #bots: Bot[] = [];
  #gateway: GatewayEmulator | null = null;

  async world(options: EmulatorOptions = {}): Promise<GatewayEmulator> {
    this.#gateway = await emulator(options);
    return this.#gateway;
  }

  bot(name: string, options: Partial<WsHostOptions> = {}, totalShards = 4): Bot {
    if (this.#gateway === null) throw new Error('world() comes first.');
    const made = new Bot(name, this.#gateway, totalShards, options);
    this.#bots.push(made);
    return made;
  }

  async close(): Promise<void> {
    await Promise.all(this.#bots.splice(0).map((each) => each.close()));
    await this.#gateway?.close();
  }
}
