/**
 * One gateway connection on discordeno: its words to events and back. A `DiscordenoShard` is used for one connection
 * only. It connects, inflates, heartbeats and paces; what it would decide by itself when a connection ends, or at op 7
 * and op 9, is told instead. It would identify without asking anybody, give a session up after one failed resume, and
 * try a dead resume URL for ever.
 *
 * The bot finds it in `gateway.shards` and sends by it: what the bot sends waits until the shard can send.
 */
import { DiscordenoShard } from '@discordeno/gateway';
import type { GatewaySendPayload } from 'discord-api-types/v10';
import { messageOf } from '@dshard/protocol';
import { ABNORMAL_CODE } from '../../gateway-shard/close-codes.js';
import type { Dispatch } from '../../gateway-shard/cursor.js';
import type { SocketEvent } from '../../gateway-shard/events.js';
import type { GatewaySocket, SocketRequest } from '../../gateway-shard/socket.js';
import type { Cursor } from '../../session/state.js';
import type { ResolvedDiscordenoOptions } from './options.js';

export type Packet = Parameters<DiscordenoShard['handleDiscordPacket']>[0];
type CloseEvent = Parameters<DiscordenoShard['handleClose']>[0];
type SendMessage = Parameters<DiscordenoShard['send']>[0];

const OP = {
  dispatch: 0,
  identify: 2,
  resume: 6,
  reconnect: 7,
  invalidSession: 9,
  hello: 10,
  heartbeatAck: 11,
} as const;
/** The library's words for its own state. */
const IDENTIFYING = 4;
const RESUMING = 5;
/** What a websocket says of itself. */
const SOCKET_CONNECTING = 0;
const SOCKET_OPEN = 1;
/** The code for which the library only tidies up. */
const TIDY_UP = 3_000;

/** What a shard in `gateway.shards` is made of, connected or not. */
export type BotShardOptions = {
  shardId: number;
  totalShards: number;
  options: Pick<ResolvedDiscordenoOptions, 'bot' | 'logger'>;
  /** What the bot sends. */
  onSend: (payload: GatewaySendPayload) => Promise<void>;
};

/** A shard as the bot sees it. */
export class BotShard extends DiscordenoShard {
  readonly #setup: BotShardOptions;

  constructor(setup: BotShardOptions, url = '') {
    const { gateway } = setup.options.bot;
    const { compress, transportCompression, intents, properties, token, version, events, logger } = gateway;
    const { totalShards } = setup;
    super({
      id: setup.shardId,
      connection: { compress, transportCompression, intents, properties, token, url, version, totalShards },
      events,
      logger,
      makePresence: gateway.makePresence,
    });
    this.#setup = setup;
  }

  override async send(message: SendMessage): Promise<void> {
    await this.#setup.onSend(message as unknown as GatewaySendPayload);
  }

  /** A packet to the bot's handlers. As the manager does: bots get payloads as they came, others in camel case. */
  async hand(packet: Packet): Promise<void> {
    const { gateway } = this.#setup.options.bot;
    if (gateway.preferSnakeCase) await gateway.events.message?.(this, packet);
    else await (super.forwardToBot(packet) as unknown);
  }
}

/** One that is connected. Its `closed` is told once, last. */
class ConnectedShard extends BotShard {
  readonly #request: SocketRequest;
  #isEnded = false;

  constructor(setup: BotShardOptions, request: SocketRequest) {
    super(setup, request.url);
    this.#request = request;
    this.state = request.resumes ? RESUMING : IDENTIFYING;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  begin(): void {
    super.connect().then(
      () => {
        if (this.#isEnded) this.terminate();
      },
      (error: unknown) => this.end(ABNORMAL_CODE, messageOf(error)),
    );
  }

  /** Past the door for what the bot sends. */
  write(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  closeNow(code: number): void {
    if (!this.isOpen()) {
      this.terminate();
      if (this.socket === undefined) queueMicrotask(() => this.end(ABNORMAL_CODE));
      return;
    }
    void super.close(code, 'The shard leaves this connection');
  }

  terminate(): void {
    (this.socket as { terminate?: () => void } | undefined)?.terminate?.();
  }

  end(code: number, reason = ''): void {
    if (this.#isEnded) return;
    this.forget();
    this.logger.debug(`[Shard] The connection of shard #${this.id} ended with ${code}. ${reason}`);
    this.#request.event({ kind: 'closed', code });
  }

  /** Nothing is told any more, and no timer left. */
  forget(): void {
    this.#isEnded = true;
    this.stopHeartbeating();
    forgetTimer(this.bucket.timeoutId);
  }

  #tell(event: SocketEvent): void {
    if (!this.#isEnded) this.#request.event(event);
  }

  // ——— what the library does by itself ———

  /** It calls both where heartbeats are not acknowledged. */
  override close(): Promise<void> {
    this.#tell({ kind: 'zombie' });
    return Promise.resolve();
  }

  override resume(): Promise<void> {
    return Promise.resolve();
  }

  override async handleDiscordPacket(packet: Packet): Promise<void> {
    const op: number = packet.op;
    if (op === OP.reconnect) return this.#tell({ kind: 'reconnect' });
    if (op === OP.invalidSession) return this.#tell({ kind: 'invalidSession', resumable: packet.d === true });
    const { bucket } = this;
    const handled = super.handleDiscordPacket(packet);
    // It heartbeats with what user code has: Discord may forget what is acknowledged by that.
    this.previousSequenceNumber = this.#request.cursor()?.sequence ?? null;
    await handled;
    // At HELLO the library makes a new one, and leaves the old one's timer running for a minute.
    if (this.bucket !== bucket) forgetTimer(bucket.timeoutId);
    if (op === OP.heartbeatAck && this.heart.rtt !== undefined) this.#request.ping(this.heart.rtt);
  }

  override forwardToBot(packet: Packet): void {
    const op: number = packet.op;
    if (op === OP.dispatch) return this.#tell({ kind: 'dispatch', payload: packet as unknown as Dispatch });
    if (op === OP.hello) this.#tell({ kind: 'hello' });
    void this.hand(packet);
  }

  override async handleClose(close: CloseEvent): Promise<void> {
    await super.handleClose({ ...close, code: TIDY_UP, reason: close.reason } as CloseEvent);
    this.end(close.code);
  }

  override handleError(error: Event): void {
    this.logger.debug(`[Shard] The connection of shard #${this.id} failed: ${messageOf(error)}`);
  }
}

export class DiscordenoSocket implements GatewaySocket {
  readonly #shard: ConnectedShard;
  readonly #request: SocketRequest;
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;

  constructor(setup: BotShardOptions, request: SocketRequest) {
    this.#request = request;
    this.#ended = new Promise((resolve) => (this.#end = resolve));
    this.#shard = new ConnectedShard(setup, {
      ...request,
      event: (event) => {
        if (event.kind === 'closed') this.#end();
        request.event(event);
      },
    });
    this.#shard.begin();
  }

  /** What the bot sees of it. */
  get shard(): BotShard {
    return this.#shard;
  }

  identify(): void {
    void this.#identify();
  }

  async #identify(): Promise<void> {
    const shard = this.#shard;
    const { compress, properties, token, intents, totalShards } = shard.gatewayConfig;
    shard.events.identifying?.(shard);
    shard.resolves.set('READY', () => shard.events.identified?.(shard));
    const presence = await shard.makePresence().catch(() => undefined);
    if (shard.isEnded) return;
    const d = { token: `Bot ${token}`, compress, properties, intents, shard: [shard.id, totalShards], presence };
    shard.write({ op: OP.identify, d });
  }

  /** Discord was seen to refuse a RESUME whose token begins with `Bot `, which the library writes there. */
  resume({ sessionId, sequence }: Cursor): void {
    const { token } = this.#shard.gatewayConfig;
    this.#shard.write({
      op: OP.resume,
      d: { token: token.replace(/^Bot /, ''), session_id: sessionId, seq: sequence },
    });
  }

  async send(payload: GatewaySendPayload): Promise<void> {
    await Promise.race([this.#shard.bucket.acquire(false), this.#ended]);
    if (this.#shard.isEnded || !this.#shard.isOpen()) this.#request.resend(payload);
    else this.#shard.write(payload);
  }

  close(code: number): void {
    this.#shard.closeNow(code);
  }

  cut(): void {
    this.#end();
    this.#shard.forget();
    this.#shard.terminate();
  }

  get isClosing(): boolean {
    return !this.#shard.isEnded && (this.#shard.socket?.readyState ?? SOCKET_CONNECTING) > SOCKET_OPEN;
  }
}

/** A timer of the library's own. */
function forgetTimer(timer: NodeJS.Timeout | undefined): void {
  // oxlint-disable-next-line no-restricted-globals -- it was not set by a Clock
  clearTimeout(timer);
}
