/** Bots on the real library against the emulator: the host by itself, with a test in the orchestrator's place. */
import { WebSocketShardEvents } from '@discordjs/ws';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import type { Logger } from '@dshard/transport';
import { until } from '@dshard/testkit';
import { GatewayDispatchEvents } from 'discord-api-types/v10';
import type { HostContext, IdentifyPermit } from '../../../src/index.js';
import { createWsHost } from '../../../src/hosts/ws/index.js';
import type { WsHost, WsHostOptions } from '../../../src/hosts/ws/index.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

const GUILD_MESSAGES = 1 | 512 | 4096;

export type EmulatorOptions = NonNullable<Parameters<typeof startGatewayEmulator>[0]>;

/** Identify windows that do not hold a test up. */
export function emulator(options: EmulatorOptions = {}): Promise<GatewayEmulator> {
  return startGatewayEmulator({ maxConcurrency: 64, identifyWindowMs: 1, shards: 4, guilds: 16, ...options });
}

export class Bot {
  readonly host: WsHost;
  readonly name: string;
  readonly permits: { shardId: number; granted: boolean; ended: boolean | null }[] = [];
  readonly logged: string[] = [];
  readonly seen: { shardId: number; type: string; s: number }[] = [];
  readonly context: HostContext;
  /** Set: identifies wait for it. */
  hold: Promise<void> = Promise.resolve();

  constructor(name: string, gateway: GatewayEmulator, totalShards: number, options: Partial<WsHostOptions> = {}) {
    this.name = name;
    const log = (_: unknown, message: string): void => void this.logged.push(message);
    const logger: Logger = { debug: () => undefined, info: log, warn: log, error: log };
    this.host = createWsHost({
      token: gateway.token,
      intents: GUILD_MESSAGES,
      ...(options.rest === undefined ? { api: gateway.apiUrl } : {}),
      logger,
      ...options,
      timeouts: { ...TEST_TIMEOUTS, ...options.timeouts },
    });
    this.context = {
      nodeId: name,
      totalShards,
      requestIdentify: (shardId, signal) => this.#permit(shardId, signal),
    };
    void this.host.sessionEstablished?.(this.context);
    this.host.manager.on(WebSocketShardEvents.Dispatch, (payload, shardId) => {
      this.seen.push({ shardId, type: payload.t, s: payload.s });
      if (payload.t === GatewayDispatchEvents.MessageCreate) {
        const { id } = payload.d;
        const at = Number(process.hrtime.bigint());
        gateway.ledger.handled({ node: name, events: [{ shard: shardId, s: payload.s, id, t: payload.t, at }] });
      }
    });
  }

  async #permit(shardId: number, signal: AbortSignal): Promise<IdentifyPermit> {
    const entry = { shardId, granted: false, ended: null as boolean | null };
    this.permits.push(entry);
    await this.hold;
    signal.throwIfAborted();
    entry.granted = true;
    return {
      coordinated: true,
      finished: (ready) => {
        entry.ended ??= ready;
      },
    };
  }

  phase(shardId: number): string {
    return this.host.report?.().find((report) => report.shardId === shardId)?.phase ?? 'absent';
  }

  async start(...shardIds: number[]): Promise<void> {
    await this.host.startShards(shardIds, this.context);
    await this.ready(...shardIds);
  }

  async ready(...shardIds: number[]): Promise<void> {
    await until(() => shardIds.every((shardId) => this.phase(shardId) === 'ready'), {
      what: `shards ${shardIds.join(', ')} of ${this.name} to be ready`,
      timeoutMs: 15_000,
    });
  }

  /** The planned hand-over, by hand. */
  async handOver(shardId: number, destination: Bot): Promise<void> {
    const session = await this.host.prepareTransferFrom(shardId);
    await destination.host.resumeShard(shardId, session, destination.context);
    await this.host.released?.(shardId);
  }

  async close(): Promise<void> {
    const shardIds = (this.host.report?.() ?? []).map(({ shardId }) => shardId);
    await Promise.all(shardIds.map((shardId) => this.host.stopShard(shardId, { keepSession: true })));
    await this.host.shutdown?.();
  }
}

/** Stops the traffic, waits for what is on its way, gives the verdict. */
export async function verdictOf(gateway: GatewayEmulator): Promise<ReturnType<GatewayEmulator['ledger']['verdict']>> {
  gateway.traffic.stop();
  await until(() => gateway.ledger.outstanding().total === 0, { what: 'all events to be handled' }).catch(
    () => undefined,
  );
  return gateway.ledger.verdict();
}
