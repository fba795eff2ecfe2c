/**
 * A shard host with the real library against the emulator, by itself: a test stands in the orchestrator's and the
 * node's place.
 */
import type { MissedEvents } from '../../src/gateway-shard/options.js';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { until } from '@dshard/testkit';
import type { HostContext, IdentifyPermit, ShardHost, OwnershipLease } from '../../src/index.js';

export type EmulatorOptions = NonNullable<Parameters<typeof startGatewayEmulator>[0]>;

/** Identify windows that do not hold a test up, and sessions that outlast any stall of a busy machine. */
export function emulator(options: EmulatorOptions = {}): Promise<GatewayEmulator> {
  const patient = { maxConcurrency: 64, identifyWindowMs: 1, replayBuffer: 20_000 };
  return startGatewayEmulator({ ...patient, shards: 4, guilds: 16, ...options });
}

/** The bot has `/ping` from now on. */
export async function registerCommand({ apiUrl, token, world }: GatewayEmulator): Promise<void> {
  await fetch(`${apiUrl}/v10/applications/${world.applicationId}/commands`, {
    method: 'POST',
    headers: { authorization: `Bot ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ping', description: 'pong' }),
  });
}

/** A dispatch as user code gets it. */
type Dispatch = { t: string; s: number; d: unknown };

/** What the bot keeps per shard, where the host moves state: by key. */
export type KeptState = Map<number, Map<string, unknown>>;

type BotOptions = {
  gateway: GatewayEmulator;
  totalShards: number;
  /** To be called where user code stands, in the order in which it is called. */
  handed: (shardId: number, dispatch: Dispatch) => void;
  /** To be told what goes wrong. */
  log: (message: string) => void;
  state: KeptState;
  /** To be called when the bot is told that events are missed. */
  missed: (missed: MissedEvents) => void;
  /** The host's timeout of that name. */
  quietMs: number;
};

/** What a bot knows of whose its shards are, and when it doubts that a quiet one is. */
export type Mood = { lease?: OwnershipLease; quietMs?: number };

export type MakeBot<H extends ShardHost = ShardHost> = (options: BotOptions) => {
  host: H;
  close?: () => Promise<void>;
};

export class Subject<H extends ShardHost = ShardHost> {
  readonly name: string;
  readonly host: H;
  readonly permits: { shardId: number; granted: boolean; ended: boolean | null }[] = [];
  readonly seen: { shardId: number; type: string; s: number }[] = [];
  readonly state: KeptState = new Map();
  readonly logged: string[] = [];
  readonly missed: MissedEvents[] = [];
  readonly context: HostContext;
  /** Set: identifies wait for it. */
  hold: Promise<void> = Promise.resolve();
  readonly #closeBot: () => Promise<void>;

  constructor(name: string, gateway: GatewayEmulator, totalShards: number, make: MakeBot<H>, mood: Mood = {}) {
    const { lease, quietMs = 30_000 } = mood;
    this.name = name;
    const bot = make({
      gateway,
      totalShards,
      handed: (shardId, { t, s, d }) => {
        this.seen.push({ shardId, type: t, s });
        if (t !== 'MESSAGE_CREATE') return;
        const { id } = d as { id: string };
        const at = Number(process.hrtime.bigint());
        gateway.ledger.handled({ node: name, events: [{ shard: shardId, s, id, t, at }] });
      },
      log: (message) => void this.logged.push(message),
      state: this.state,
      missed: (missed) => void this.missed.push(missed),
      quietMs,
    });
    this.host = bot.host;
    this.#closeBot = bot.close ?? (() => Promise.resolve());
    this.context = {
      nodeId: name,
      totalShards,
      requestIdentify: (shardId, signal) => this.#permit(shardId, signal),
      ...(lease !== undefined && { lease }),
    };
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
    });
  }

  lastOf(shardId: number): number | undefined {
    return this.seen.findLast((one) => one.shardId === shardId)?.s;
  }

  async close(): Promise<void> {
    const shardIds = (this.host.report?.() ?? []).map(({ shardId }) => shardId);
    await Promise.all(shardIds.map((shardId) => this.host.stopShard(shardId, { keepSession: true })));
    await this.host.shutdown?.();
    await this.#closeBot();
  }
}

/** Until Discord has sent so many more events. */
export async function traffic(gateway: GatewayEmulator, count: number): Promise<void> {
  const before = gateway.ledger.verdict().emitted;
  await until(() => gateway.ledger.verdict().emitted >= before + count, { what: `${count} events to be sent` });
}

/** Stops the traffic, waits for what is on its way, gives the verdict. */
export async function verdictOf(gateway: GatewayEmulator): Promise<ReturnType<GatewayEmulator['ledger']['verdict']>> {
  gateway.traffic.stop();
  await until(() => gateway.ledger.outstanding().total === 0, { what: 'all events to be handled' }).catch(
    () => undefined,
  );
  return gateway.ledger.verdict();
}
