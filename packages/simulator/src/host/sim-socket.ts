/**
 * One gateway connection of a simulated Discord library, for the product's gateway shard: the virtual network to events
 * and back. Its process is busy: what has come is read piece by piece. What was not read when the connection ends is
 * lost with it, or is read late, with Discord's close behind it.
 */
import { closeCodes, opcodes } from '@dshard/gateway-emulator/core';
import type { Cursor } from '@dshard/node';
import type {
  Dispatch,
  GatewaySocket as ShardSocket,
  GatewayTimeouts,
  SocketEvent,
  SocketRequest,
} from '@dshard/node/gateway-shard';
import { ABNORMAL_CODE } from '@dshard/node/gateway-shard';
import type { Cancel, Clock, Transport } from '@dshard/transport';
import { addressOf, BOT_TOKEN } from '../discord/discord.js';
import { GatewaySocket } from '../discord/gateway-socket.js';
import type { Draw } from '../random.js';

/** How often the process does not get to run for a while, and for how long: less than what it would notice. */
const STARVED_SHARE = 0.05;
const STARVED_MAX_MS = 800;
/** How long Discord takes to answer the answer to its close. */
const ANSWER_MAX_MS = 20;

export type SimSocketOptions = {
  clock: Clock;
  random: Draw;
  gateway: Transport;
  /** What the process takes for an event at most, before it reads the next. */
  handlingMs: number;
  /** RESUME, or IDENTIFY, is sent. */
  onStart: (what: 'resume' | 'identify') => void;
  /** Op 9 came. */
  onInvalidated: () => void;
};

export class SimSocket implements ShardSocket {
  readonly #options: SimSocketOptions;
  readonly #request: SocketRequest;
  readonly #connecting = new AbortController();
  readonly #heart: SimHeart;
  #socket: GatewaySocket | null = null;
  #sessionId = '';
  /** Dispatches that were not read yet. */
  #unread: Payload[] = [];
  #cancelRead: Cancel | null = null;
  /** The code of a close that is behind what was not read yet. */
  #closesWith: number | null = null;
  /** The close was read, and is being answered. */
  #isClosing = false;
  /** `ending`: nothing that comes is read any more; `ended`: `closed` was told, or nobody listens. */
  #state: 'open' | 'ending' | 'ended' = 'open';

  constructor(options: SimSocketOptions, request: SocketRequest) {
    const { clock, random, gateway } = options;
    this.#options = options;
    this.#request = request;
    const send = (): void => this.#send(opcodes.heartbeat, request.cursor()?.sequence ?? null);
    this.#heart = new SimHeart({ clock, random, send, dead: () => this.#tell({ kind: 'zombie' }) });
    const { signal } = this.#connecting;
    gateway.connect(addressOf(request.url), { timeoutMs: TIMEOUTS.handshakeMs, signal }).then(
      (stream) => (this.#state === 'open' ? this.#adopt(stream) : this.#discard(stream)),
      () => this.#end(ABNORMAL_CODE),
    );
  }

  identify(): void {
    const { shardId, totalShards } = this.#request;
    this.#options.onStart('identify');
    this.#send(opcodes.identify, { token: BOT_TOKEN, intents: INTENTS, shard: [shardId, totalShards], properties: {} });
  }

  resume({ sessionId, sequence }: Cursor): void {
    this.#sessionId = sessionId;
    this.#options.onStart('resume');
    this.#send(opcodes.resume, { token: BOT_TOKEN, session_id: sessionId, seq: sequence });
  }

  async send(): Promise<void> {}

  close(code: number): void {
    if (this.#state !== 'open') return;
    this.#leave('ending');
    if (this.#socket === null) this.#connecting.abort(new Error('The connection is given up.'));
    else this.#socket.close(code);
  }

  cut(): void {
    this.#leave('ended');
    this.#connecting.abort(new Error('The connection is cut.'));
    this.#socket?.cut();
  }

  /** Another connection has the session, and what says so has come, read or not. */
  get isTaken(): boolean {
    return this.#state === 'open' && this.#closesWith === closeCodes.sessionInvalid;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  #leave(state: 'ending' | 'ended'): void {
    this.#state = state;
    this.#heart.stop();
    this.#unread = [];
    this.#cancelRead?.();
  }

  #discard(stream: { destroy(): void }): void {
    stream.destroy();
    this.#end(ABNORMAL_CODE);
  }

  #adopt(stream: ConstructorParameters<typeof GatewaySocket>[0]): void {
    this.#socket = new GatewaySocket(stream, {
      onText: (text) => {
        if (this.#state === 'open') this.#onPayload(JSON.parse(new TextDecoder().decode(text)) as Payload);
      },
      onClose: (code) => {
        if (this.#state === 'open') this.#onClose(code);
      },
      onGone: () => {
        if (this.#closesWith === null || this.#state !== 'open') this.#end(ABNORMAL_CODE);
      },
    });
  }

  #onClose(code: number): void {
    if (this.#cancelRead === null || this.#options.random.chance(0.5)) return this.#end(code);
    this.#closesWith = code;
  }

  /** All that came, in one turn. The end is told when the peer has answered. */
  #readToTheEnd(code: number): void {
    const { clock, random } = this.#options;
    for (const next of this.#unread.splice(0)) this.#read(next);
    this.#isClosing = true;
    clock.after(ANSWER_MAX_MS * random.next(), () => this.#end(code));
  }

  #end(code: number): void {
    if (this.#state === 'ended') return;
    this.#leave('ended');
    this.#request.event({ kind: 'closed', code });
  }

  #onPayload(payload: Payload): void {
    switch (payload.op) {
      case opcodes.hello:
        this.#heart.start((payload.d as { heartbeat_interval: number }).heartbeat_interval);
        return this.#tell({ kind: 'hello' });
      case opcodes.dispatch:
        this.#unread.push(payload);
        return this.#readNext();
      case opcodes.heartbeat:
        return this.#heart.beat();
      case opcodes.heartbeatAck:
        return this.#heart.acknowledged();
      case opcodes.reconnect:
        return this.#tell({ kind: 'reconnect' });
      case opcodes.invalidSession:
        this.#options.onInvalidated();
        return this.#tell({ kind: 'invalidSession', resumable: payload.d === true });
      default:
        return undefined;
    }
  }

  #readNext(): void {
    if (this.#cancelRead !== null || this.#unread.length === 0) return;
    const { clock, random, handlingMs } = this.#options;
    const longestMs = random.chance(STARVED_SHARE) ? STARVED_MAX_MS : handlingMs;
    this.#cancelRead = clock.after(longestMs * random.next(), () => {
      this.#cancelRead = null;
      if (this.#closesWith !== null) return this.#readToTheEnd(this.#closesWith);
      const next = this.#unread.shift();
      if (next !== undefined) this.#read(next);
      if (this.#state === 'open') this.#readNext();
    });
  }

  #read({ t, s, d }: Payload): void {
    if (t === 'READY') this.#sessionId = (d as { session_id: string }).session_id;
    const payload: Dispatch = { t, s, d: { ...(d as object), sessionId: this.#sessionId } };
    this.#tell({ kind: 'dispatch', payload });
  }

  #send(op: number, d: unknown): void {
    if (this.#state === 'open') this.#socket?.send(JSON.stringify({ op, d }));
  }

  #tell(event: SocketEvent): void {
    if (this.#state === 'open') this.#request.event(event);
  }
}

/** What a simulated library knows of Discord's gateway. */
export type Payload = { op: number; t: string; s: number; d: unknown };

/** A message, and the session it came in. */
export type MessageEvent = { id: string; channel_id: string; number: number; sessionId: string };

/** Guilds and their messages. */
const INTENTS = 513;

/** `quietMs`: so much before a session with nobody to it would expire that it is resumed in time. */
export const TIMEOUTS: Required<GatewayTimeouts> = {
  handshakeMs: 3_000,
  helloMs: 5_000,
  identifyMs: 5_000,
  resumeMs: 5_000,
  closeMs: 1_000,
  readyMs: 10_000,
  importMs: 5_000,
  handlersMs: 1_000,
  quietMs: 10_000,
  backoffMinMs: 100,
  backoffMaxMs: 2_000,
};

/** The heartbeats of one gateway connection: the first at a random moment, and the end where two were not answered. */
export class SimHeart {
  readonly #options: { clock: Clock; random: Draw; send: () => void; dead: () => void };
  #timers: Cancel[] = [];
  #unacknowledged = 0;

  constructor(options: { clock: Clock; random: Draw; send: () => void; dead: () => void }) {
    this.#options = options;
  }

  start(intervalMs: number): void {
    const { clock, random } = this.#options;
    this.#unacknowledged = 0;
    this.#timers.push(
      clock.after(intervalMs * random.next(), () => {
        this.beat();
        this.#timers.push(clock.every(intervalMs, () => this.beat()));
      }),
    );
  }

  beat(): void {
    if (this.#unacknowledged > 1) {
      this.#options.dead();
      return;
    }
    this.#unacknowledged += 1;
    this.#options.send();
  }

  acknowledged(): void {
    this.#unacknowledged = 0;
  }

  stop(): void {
    for (const cancel of this.#timers.splice(0)) cancel();
  }
}
