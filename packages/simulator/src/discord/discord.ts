/**
 * Discord: the emulator's pure core behind the virtual network, with a small world that is made of channels whose
 * messages are numbered 1, 2, 3, …. It is outside of every fault but those that an operator of Discord would cause.
 */
import type { LedgerRecord } from '@dshard/gateway-emulator';
import type { Effect, FaultResult, GatewayRules, GatewayState, WorldView } from '@dshard/gateway-emulator/core';
import {
  connectionClosed,
  connectionOpened,
  createGatewayState,
  dispatch,
  frameReceived,
  holdSessions,
  intents,
  readBudget,
  releaseSessions,
  tick,
} from '@dshard/gateway-emulator/core';
import type { GatewayInfo } from '@dshard/orchestrator';
import type { Cancel, Clock, Listener, Transport } from '@dshard/transport';
import type { Draw } from '../random.js';
import { GatewaySocket } from './gateway-socket.js';

/** Where `GET /gateway/bot` sends everybody, and where READY says to resume. */
export const GENERIC_GATEWAY = 'wss://gateway.discord.gg/';
const RESUME_GATEWAY = 'wss://gateway-us-east1-b.discord.gg/';
const GENERIC_ADDRESS = '10.1.0.1:443';
const RESUME_ADDRESS = '10.1.0.2:443';
/** Whatever else a URL may name. */
export const STRANGERS_ADDRESS = '10.6.6.6:443';

/** Of a gateway URL. */
export function addressOf(url: string): string {
  if (url === GENERIC_GATEWAY) return GENERIC_ADDRESS;
  return url === RESUME_GATEWAY ? RESUME_ADDRESS : STRANGERS_ADDRESS;
}

export const BOT_TOKEN = 'simulated';
const CHANNELS_PER_SHARD = 3;
const TICK_MS = 200;

const emptyWorld: WorldView = {
  userId: '1',
  userJson: '{}',
  applicationJson: '{}',
  guildIdsOf: () => [],
  guild: () => null,
};

export type DiscordOptions = {
  clock: Clock;
  random: Draw;
  network: Transport;
  rules: GatewayRules;
  shards: number;
  record: (record: LedgerRecord) => void;
};

export class SimDiscord {
  readonly state: GatewayState;
  readonly #options: DiscordOptions;
  readonly #sockets = new Map<number, GatewaySocket>();
  readonly #numbers = new Map<string, number>();
  #genericHost: Listener | null = null;
  #resumeHost: Listener | null = null;
  /** It begins to listen: two faults that end at once bring it up together. */
  #isResumeHostComing = false;
  #isAway = false;
  #nextConnection = 1;
  #nextEvent = 1;
  #cancelTraffic: Cancel | null = null;

  constructor(options: DiscordOptions) {
    const { clock, random, rules } = options;
    this.#options = options;
    this.state = createGatewayState({
      rules,
      world: emptyWorld,
      random,
      token: BOT_TOKEN,
      resumeGatewayUrl: RESUME_GATEWAY,
      now: clock.now(),
    });
  }

  async start(): Promise<void> {
    const { network, clock } = this.#options;
    this.#genericHost = await network.listen(GENERIC_ADDRESS, (stream) => this.#accept(stream));
    await this.resumeHostUp();
    clock.every(TICK_MS, () => this.#run(tick(this.state, clock.now())));
  }

  get isResumeHostUp(): boolean {
    return this.#resumeHost !== null;
  }

  async resumeHostUp(): Promise<void> {
    if (this.#resumeHost !== null || this.#isResumeHostComing || this.#isAway) return;
    this.#isResumeHostComing = true;
    this.#resumeHost = await this.#options.network.listen(RESUME_ADDRESS, (stream) => this.#accept(stream));
    this.#isResumeHostComing = false;
    if (this.#isAway) await this.resumeHostDown();
  }

  /** New connections to it are refused; those that are open live on. */
  async resumeHostDown(): Promise<void> {
    const host = this.#resumeHost;
    this.#resumeHost = null;
    await host?.close();
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Every connection is cut and none comes about, while sessions live on and keep what is emitted. */
  async goAway(): Promise<void> {
    this.#isAway = true;
    holdSessions(this.state);
    const host = this.#genericHost;
    this.#genericHost = null;
    await Promise.all([host?.close(), this.resumeHostDown()]);
    for (const socket of this.#sockets.values()) socket.cut();
  }

  async comeBack(): Promise<void> {
    this.#isAway = false;
    this.#genericHost = await this.#options.network.listen(GENERIC_ADDRESS, (stream) => this.#accept(stream));
    await this.resumeHostUp();
    releaseSessions(this.state, this.#options.clock.now());
  }

  /** What `GET /gateway/bot` answers. */
  info(): GatewayInfo {
    const { total, remaining, resetAfterMs } = readBudget(this.state.budget, this.#options.clock.now());
    const { maxConcurrency } = this.state.rules;
    return {
      url: GENERIC_GATEWAY,
      recommendedShards: this.#options.shards,
      maxConcurrency,
      identifiesTotal: total,
      identifiesRemaining: remaining,
      resetAfterMs,
    };
  }

  startTraffic(perSecond: number): void {
    this.#cancelTraffic ??= this.#options.clock.every(1000 / perSecond, () => this.#message());
  }

  stopTraffic(): void {
    this.#cancelTraffic?.();
    this.#cancelTraffic = null;
  }

  /** Carries out a fault of the core's. */
  fault(fault: (state: GatewayState, now: number) => FaultResult): number {
    const { effects, affected } = fault(this.state, this.#options.clock.now());
    this.#run(effects);
    return affected;
  }

  #message(): void {
    const { random, shards, clock } = this.#options;
    const shard = random.whole(0, shards - 1);
    const channel = `${shard}.${random.whole(1, CHANNELS_PER_SHARD)}`;
    const number = (this.#numbers.get(channel) ?? 0) + 1;
    this.#numbers.set(channel, number);
    const id = String(this.#nextEvent++);
    const json = JSON.stringify({ id, channel_id: channel, number });
    const event = { id, type: 'MESSAGE_CREATE', json, route: shard, intents: intents.guildMessages };
    this.#run(dispatch(this.state, event, clock.now()));
  }

  #accept(stream: Parameters<Parameters<Transport['listen']>[1]>[0]): void {
    const { clock } = this.#options;
    const id = this.#nextConnection++;
    const socket = new GatewaySocket(stream, {
      onText: (text) => this.#run(frameReceived(this.state, id, text, clock.now())),
      onClose: (code) => this.#run(connectionClosed(this.state, id, code, clock.now())),
      onGone: () => this.#sockets.delete(id),
    });
    this.#sockets.set(id, socket);
    this.#run(connectionOpened(this.state, id, { v: null, encoding: null, compress: null }, clock.now()));
  }

  #run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'record':
          this.#options.record(effect.record);
          break;
        case 'send':
          this.#sockets.get(effect.connection)?.send(effect.text);
          break;
        case 'close':
          this.#sockets.get(effect.connection)?.close(effect.code);
          break;
        case 'cut':
          this.#sockets.get(effect.connection)?.cut();
          break;
      }
    }
  }
}
