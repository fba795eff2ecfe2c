/**
 * One gateway connection on @discordjs/ws, 2.x and the 1.x inside discord.js: its words to events and back. The
 * library's `WebSocketShard` is used for one connection only. It connects, heartbeats, inflates and paces; what it
 * would decide by itself (to resume, to identify, to connect again, to forget a session) it decides here by asking, and
 * is answered by the machine.
 *
 * Its doors:
 * - `send`: the RESUME that it sends as soon as HELLO came is held until the machine sends one. Any other RESUME on a
 *   connection is its answer to op 9 (resumable).
 * - `waitForIdentify`: the IDENTIFY, likewise.
 * - `destroy`, which it calls on itself whenever a connection is to end, is told, and never carried out with a way
 *   back: so it never connects again.
 * - After the end it may still ask for the session, to begin to connect: it never gets an answer.
 */
import type {
  FetchingStrategyOptions,
  IContextFetchingStrategy,
  SessionInfo,
  WebSocketShard,
  WebSocketShardDestroyOptions,
} from '@discordjs/ws';
import type { APIGatewayBotInfo, GatewayOpcodes, GatewaySendPayload } from 'discord-api-types/v10';
import { ABNORMAL_CODE, KEEP_SESSION_CODE } from '../../gateway-shard/close-codes.js';
import type { Dispatch } from '../../gateway-shard/cursor.js';
import type { SocketEvent } from '../../gateway-shard/events.js';
import { GatewayInfo, type GatewayBotInfo } from '../../gateway-shard/gateway-info.js';
import type { GatewayOptions } from '../../gateway-shard/options.js';
import type { LocalThrottler } from '../../gateway-shard/permit-request.js';
import { ShardPool, type ShardPoolOptions } from '../../gateway-shard/shard-pool.js';
import type { GatewaySocket, SocketRequest } from '../../gateway-shard/socket.js';
import type { Cursor } from '../../session/state.js';
import { WebSocketShardDestroyRecovery, WebSocketShardEvents, WebSocketShardStatus } from './library.js';
import type { GatewayLibrary } from './library.js';

/** The part of the library's private connection that is needed to be sure it is gone. */
type Socket = {
  readyState: number;
  onmessage: unknown;
  onclose: unknown;
  on?(event: 'error', listener: () => void): unknown;
  terminate?(): void;
};

const RESUME_OPCODE: GatewayOpcodes.Resume = 6;
const OPCODES_OF_ITS_OWN: ReadonlySet<number> = new Set<GatewayOpcodes>([1, 2]);

const SOCKET_CONNECTING = 0;
const SOCKET_OPEN = 1;

/** Why the library ends a connection on which heartbeats are not acknowledged. */
const ZOMBIE = 'Zombie connection';

/** What of the library's manager a connection takes; the same in 1.x and 2.x. */
export type ManagerOptions = Pick<
  FetchingStrategyOptions,
  | 'compression'
  | 'encoding'
  | 'identifyProperties'
  | 'initialPresence'
  | 'intents'
  | 'largeThreshold'
  | 'version'
  | 'token'
>;

type WsSocketOptions = {
  library: GatewayLibrary;
  /** Read anew for every connection. */
  managerOptions: () => ManagerOptions;
  handshakeMs: number;
};

export type WsPoolOptions = Omit<WsSocketOptions, 'handshakeMs'> & {
  manager: { fetchGatewayInformation(force: boolean): Promise<GatewayBotInfo> };
  options: GatewayOptions;
  /** For orchestrators that do not pace identifies. */
  Throttler: new (maxConcurrency: number) => LocalThrottler;
  tell: ShardPoolOptions['tell'];
};

export function wsPool(setup: WsPoolOptions): { pool: ShardPool; gatewayInfo: GatewayInfo } {
  const { library, managerOptions, manager, options, Throttler, tell } = setup;
  const { handshakeMs } = options.timeouts;
  const gatewayInfo = new GatewayInfo({ fetch: () => manager.fetchGatewayInformation(true), ...options });
  const pool = new ShardPool({
    options,
    openSocket: (request) => new WsSocket({ library, managerOptions, handshakeMs }, request),
    gatewayUrl: () => gatewayInfo.known?.url ?? null,
    locate: async () => (await gatewayInfo.get()).url,
    localThrottler: () => gatewayInfo.throttler((maxConcurrency) => new Throttler(maxConcurrency)),
    tell,
  });
  return { pool, gatewayInfo };
}

type RequestedResume = { payload: Extract<GatewaySendPayload, { op: typeof RESUME_OPCODE }> };

class WsSocket implements GatewaySocket {
  readonly #request: SocketRequest;
  readonly #shard: WebSocketShard;
  /** The library's own, beneath the doors. */
  readonly #plain: Pick<WebSocketShard, 'destroy' | 'send'>;
  readonly #options: FetchingStrategyOptions;
  /** What READY announced, before the machine heard of it. */
  #announced: SessionInfo | null = null;
  /** The library's RESUME at the door. */
  #requestedResume: RequestedResume | null = null;
  /** What the machine wants to be RESUMEd with. */
  #resumeWith: Cursor | null = null;
  #hasResumed = false;
  #identify: () => void = () => undefined;
  readonly #mayIdentify: Promise<void>;
  /** It was cut while it was being made: what the library says of that is no news. */
  #isGivenUp = false;
  /** `ending`: it is closed by us; `closed` comes. */
  #state: 'open' | 'ending' | 'ended' = 'open';

  constructor({ library, managerOptions, handshakeMs }: WsSocketOptions, request: SocketRequest) {
    this.#request = request;
    this.#options = fetchingOptions(managerOptions(), handshakeMs, request);
    this.#mayIdentify = new Promise((resolve) => (this.#identify = resolve));
    const shard = new library.WebSocketShard(this.#strategy(), request.shardId);
    this.#shard = shard;
    this.#plain = { destroy: shard.destroy.bind(shard), send: shard.send.bind(shard) };
    shard.destroy = (options) => this.#libraryDestroys(options);
    shard.send = (payload) => this.#librarySends(payload);
    this.#listen(library.valuesOf);
    // It rejects when an 'error' comes first; that is told where it is emitted.
    shard.connect().catch(() => undefined);
  }

  identify(): void {
    this.#identify();
  }

  resume(session: Cursor): void {
    this.#resumeWith = session;
    this.#resumeWhenBoth();
  }

  async send(payload: GatewaySendPayload): Promise<void> {
    await this.#plain.send(payload);
  }

  close(code: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    void this.#shutDown(code).then(() => this.#end(code));
  }

  cut(): void {
    this.#state = 'ended';
    this.#socket?.terminate?.();
  }

  get isClosing(): boolean {
    return this.#state === 'open' && (this.#socket?.readyState ?? SOCKET_CONNECTING) > SOCKET_OPEN;
  }

  /** Resolves when the peer has answered the close, or there was nothing to close. */
  async #shutDown(code: number): Promise<void> {
    this.#abortHandshake();
    await this.#plain.destroy({ code, reason: 'The shard leaves this connection' });
    // It had asked for the session before, and makes its socket just now.
    await Promise.resolve();
    this.#abortHandshake();
  }

  /** The connection is gone: told once. */
  #end(code: number): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    void this.#plain.destroy({ code: KEEP_SESSION_CODE });
    this.#request.event({ kind: 'closed', code });
  }

  /**
   * The library only lets go of a connection that is still being made: it would open later with nobody listening, or
   * fail with an 'error' that nobody catches, which ends the process.
   */
  #abortHandshake(): void {
    const socket = this.#socket;
    socket?.on?.('error', () => undefined);
    if (socket?.readyState === SOCKET_CONNECTING) {
      this.#isGivenUp = true;
      socket.onmessage = null;
      socket.onclose = null;
      socket.terminate?.();
    }
  }

  get #socket(): Socket | null {
    return (this.#shard as unknown as { connection: Socket | null }).connection;
  }

  // ——— what the library asks ———

  #strategy(): IContextFetchingStrategy {
    return {
      options: this.#options,
      retrieveSessionInfo: () => this.#retrieveSessionInfo(),
      updateSessionInfo: (_, info) => void (this.#announced = info),
      waitForIdentify: () => this.#mayIdentify,
    };
  }

  /** Answers at once while connected, so that the library handles messages of one turn in their order. */
  #retrieveSessionInfo(): SessionInfo | null | Promise<never> {
    const isNew = this.#shard.status === WebSocketShardStatus.Idle;
    if (isNew && this.#state !== 'open') return forever();
    const { shardId, totalShards, url, cursor, resumes } = this.#request;
    const session = cursor();
    if (session === null || (isNew && !resumes)) return this.#announced;
    const { sessionId, sequence } = session;
    return { shardId, shardCount: totalShards, sessionId, sequence, resumeURL: url };
  }

  async #librarySends(payload: GatewaySendPayload): Promise<void> {
    if (payload.op === RESUME_OPCODE) return this.#onRequestedResume({ payload });
    if (OPCODES_OF_ITS_OWN.has(payload.op)) return this.#plain.send(payload);
    // It waited for its rate limit, and its connection ended meanwhile.
    if (this.#state === 'open') return this.#plain.send(payload);
    this.#request.resend(payload);
  }

  #onRequestedResume(requested: RequestedResume): void {
    const isFirst = this.#request.resumes && this.#requestedResume === null;
    if (!isFirst) return this.#tell({ kind: 'invalidSession', resumable: true });
    this.#requestedResume = requested;
    this.#resumeWhenBoth();
  }

  /** Not with the session that the library took when it began to connect: the cursor may have moved on since. */
  #resumeWhenBoth(): void {
    if (this.#requestedResume === null || this.#resumeWith === null || this.#hasResumed) return;
    this.#hasResumed = true;
    const { payload } = this.#requestedResume;
    const { sessionId, sequence } = this.#resumeWith;
    this.#plain
      .send({ op: RESUME_OPCODE, d: { ...payload.d, session_id: sessionId, seq: sequence } })
      .catch(() => undefined);
  }

  /** The library wants to end the connection, and what it would do then. */
  async #libraryDestroys({ code, recover, reason }: WebSocketShardDestroyOptions = {}): Promise<void> {
    if (this.#state !== 'open') return;
    if (code !== undefined) return this.#end(ABNORMAL_CODE);
    // Without a code it acts on Discord's word, or for want of an acknowledgement.
    if (recover === WebSocketShardDestroyRecovery.Reconnect) this.#tell({ kind: 'invalidSession', resumable: false });
    else this.#tell({ kind: reason === ZOMBIE ? 'zombie' : 'reconnect' });
  }

  // ——— what the library tells ———

  #listen(valuesOf: GatewayLibrary['valuesOf']): void {
    const emitter: { on(event: string, listener: (...args: unknown[]) => void): unknown } = this.#shard;
    const on = (event: string, listener: (values: readonly unknown[]) => void): void =>
      void emitter.on(event, (...args) => listener(valuesOf(args)));
    const { ping } = this.#request;
    const tell: SocketRequest['tell'] = (event, values) => {
      if (!this.#isGivenUp) this.#request.tell(event, values);
    };
    on(WebSocketShardEvents.Hello, () => {
      tell('hello', []);
      this.#tell({ kind: 'hello' });
    });
    on(WebSocketShardEvents.Dispatch, ([payload]) => this.#tell({ kind: 'dispatch', payload: payload as Dispatch }));
    on(WebSocketShardEvents.HeartbeatComplete, (values) => {
      ping((values[0] as { latency: number }).latency);
      tell('heartbeat', values);
    });
    on(WebSocketShardEvents.Closed, (values) => {
      tell('closed', values);
      if (this.#state === 'open') this.#end(Number(values[0]));
    });
    on(WebSocketShardEvents.Debug, (values) => tell('debug', values));
    on(WebSocketShardEvents.Error, (values) => tell('error', values));
    on(WebSocketShardEvents.SocketError, (values) => tell('socketError', values));
  }

  #tell(event: SocketEvent): void {
    if (this.#state === 'open') this.#request.event(event);
  }
}

function fetchingOptions(
  manager: ManagerOptions,
  handshakeMs: number,
  { url, totalShards }: SocketRequest,
): FetchingStrategyOptions {
  const gatewayInformation: APIGatewayBotInfo = {
    url,
    shards: totalShards,
    session_start_limit: { total: 0, remaining: 0, reset_after: 0, max_concurrency: 1 },
  };
  return {
    compression: manager.compression,
    encoding: manager.encoding,
    identifyProperties: manager.identifyProperties,
    initialPresence: manager.initialPresence,
    intents: manager.intents,
    largeThreshold: manager.largeThreshold,
    version: manager.version,
    token: manager.token,
    useIdentifyCompression: false,
    shardCount: totalShards,
    handshakeTimeout: handshakeMs,
    // How long HELLO and READY may take is the machine's to say.
    helloTimeout: null,
    readyTimeout: null,
    gatewayInformation,
  };
}

/** For those whom nothing is to be answered any more. */
function forever(): Promise<never> {
  return new Promise(() => undefined);
}
