/** Between sockets and the core: hands the core what happens, with the time, and carries out its effects, in order. */
import type { Cancel, Clock } from '@dshard/transport';
import type { RawData } from 'ws';
import { connectionClosed, connectionOpened, connectionStalled, frameReceived } from '../core/connections.js';
import type { Effect } from '../core/effects.js';
import type { GatewayState } from '../core/state.js';
import { tick } from '../core/tick.js';
import type { LedgerRecord } from '../core/records.js';
import type { GatewayStream } from './gateway-host.js';
import type { GatewaySocket } from './gateway-socket.js';
import { Line, type LineCondition } from './line.js';
import { openOutlet } from './outlets.js';

export type GatewayEdgeOptions = {
  state: GatewayState;
  clock: Clock;
  record: (record: LedgerRecord) => void;
  maxSocketBufferBytes: number;
};

const tickMs = 50;

export class GatewayEdge {
  readonly #options: GatewayEdgeOptions;
  readonly #open = new Map<number, { socket: GatewaySocket; stream: GatewayStream; line: Line }>();
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

  accept(socket: GatewaySocket, stream: GatewayStream, query: URLSearchParams): void {
    const { state, clock } = this.#options;
    const id = this.#nextConnection;
    this.#nextConnection += 1;
    const compress = query.get('compress');
    const line = new Line({
      clock,
      outlet: openOutlet(socket, stream.socket, compress),
      onFrame: (data) => this.run(frameReceived(state, id, data, clock.now())),
    });
    this.#open.set(id, { socket, stream, line });
    socket.watch(stream.socket, {
      onLeave: (code) => this.run(connectionClosed(state, id, code, clock.now())),
      onProtocolError: (problem) => this.#recordProtocolError(id, problem),
    });
    socket.once('close', () => {
      this.#open.delete(id);
      line.release();
    });
    socket.on('message', (data) => line.receive(bytesOf(data)));
    socket.on('ping', (data) => {
      if (line.isStalled) return;
      socket.pong(data);
      this.#checkReader(id, line);
    });
    this.run(
      connectionOpened(state, id, { v: query.get('v'), encoding: query.get('encoding'), compress }, clock.now()),
    );
  }

  /** Makes the lines of connections bad, or good again. Returns how many are still there. */
  changeLines(connections: readonly number[], condition: LineCondition): number {
    const lines = connections.flatMap((id) => this.#open.get(id)?.line ?? []);
    for (const line of lines) line.become(condition);
    return lines.length;
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
          open.line.send(effect.text, effect.deflate === true);
          this.#checkReader(effect.connection, open.line);
          break;
        case 'close':
          open.line.close(effect.code, effect.reason);
          break;
        case 'cut':
          if (effect.reset) open.stream.reset();
          else open.socket.terminate();
          break;
      }
    }
  }

  #checkReader(connection: number, line: Line): void {
    const { state, clock, maxSocketBufferBytes } = this.#options;
    const waitingBytes = line.waitingBytes();
    if (waitingBytes > maxSocketBufferBytes) this.run(connectionStalled(state, connection, waitingBytes, clock.now()));
  }

  /** By then the core has forgotten the connection: the websocket was closed first. */
  #recordProtocolError(connection: number, problem: string): void {
    const message = `The socket broke RFC 6455 (${problem}) and was closed.`;
    const at = this.#options.clock.now();
    this.#options.record({
      kind: 'violation',
      violation: { kind: 'bad-payload', at, connection, shard: null, sessionId: null, message },
    });
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
