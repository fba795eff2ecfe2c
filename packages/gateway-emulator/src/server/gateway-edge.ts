/**
 * Between sockets and the core: hands the core what happens, with the time, and carries out its effects, in order.
 */
import type { Socket } from 'node:net';
import type { Cancel, Clock } from '@dshard/transport';
import type { RawData } from 'ws';
import { connectionClosed, connectionOpened, connectionStalled, frameReceived } from '../core/connections.js';
import type { Effect } from '../core/effects.js';
import type { GatewayState } from '../core/state.js';
import { tick } from '../core/tick.js';
import type { LedgerRecord } from '../ledger/records.js';
import type { GatewaySocket } from './gateway-socket.js';
import type { Outlet } from './outlets.js';
import { textOutlet, zlibOutlet } from './outlets.js';

export type GatewayEdgeOptions = {
  state: GatewayState;
  clock: Clock;
  record: (record: LedgerRecord) => void;
  maxSocketBufferBytes: number;
};

const tickMs = 50;

export class GatewayEdge {
  readonly #options: GatewayEdgeOptions;
  readonly #open = new Map<number, { socket: GatewaySocket; outlet: Outlet }>();
  #nextConnection = 1;
  #cancelTick: Cancel | null = null;

  constructor(options: GatewayEdgeOptions) {
    this.#options = options;
  }

  start(): void {
    const { state, clock } = this.#options;
    this.#cancelTick ??= clock.every(tickMs, () => this.run(tick(state, clock.now())));
  }

  /** Cuts every socket. */
  stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = null;
    for (const { socket } of this.#open.values()) socket.terminate();
  }

  accept(socket: GatewaySocket, stream: Socket, query: URLSearchParams): void {
    const { state, clock } = this.#options;
    const id = this.#nextConnection;
    this.#nextConnection += 1;
    const compress = query.get('compress');
    const outlet = compress === 'zlib-stream' ? zlibOutlet(socket) : textOutlet(socket);
    this.#open.set(id, { socket, outlet });
    socket.watch(stream, (code) => this.run(connectionClosed(state, id, code, clock.now())));
    socket.once('close', () => {
      this.#open.delete(id);
      outlet.release();
    });
    socket.on('message', (data) => this.run(frameReceived(state, id, bytesOf(data), clock.now())));
    this.run(
      connectionOpened(state, id, { v: query.get('v'), encoding: query.get('encoding'), compress }, clock.now()),
    );
  }

  run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'record') {
        this.#options.record(effect.record);
        continue;
      }
      const open = this.#open.get(effect.connection);
      if (open === undefined) continue;
      switch (effect.kind) {
        case 'send':
          this.#send(effect.connection, open.outlet, effect.text);
          break;
        case 'close':
          open.outlet.close(effect.code, effect.reason);
          break;
        case 'cut':
          open.socket.terminate();
          break;
      }
    }
  }

  #send(connection: number, outlet: Outlet, text: string): void {
    const { state, clock, maxSocketBufferBytes } = this.#options;
    outlet.send(text);
    const waitingBytes = outlet.waitingBytes();
    if (waitingBytes > maxSocketBufferBytes) this.run(connectionStalled(state, connection, waitingBytes, clock.now()));
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
