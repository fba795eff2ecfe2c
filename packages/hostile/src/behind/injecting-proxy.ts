/**
 * Stands between a node and its orchestrator, passes everything on, and writes frames of its own to the node, as an
 * orchestrator that has become hostile would: after the real handshake, at the boundary of two frames.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { EVENT_IDS } from '@dshard/protocol';
import { parseAddress } from '@dshard/transport';

const HEADER_BYTES = 8;

export class InjectingProxy {
  readonly #server: Server;
  readonly #orchestrator: string;
  readonly #sockets = new Set<Socket>();
  /** The node that was let in last. */
  #node: Socket | null = null;
  #onJoined: (() => void)[] = [];

  private constructor(orchestrator: string) {
    this.#orchestrator = orchestrator;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async to(orchestrator: string): Promise<InjectingProxy> {
    const proxy = new InjectingProxy(orchestrator);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get isJoined(): boolean {
    return this.#node !== null;
  }

  /** Resolves when a node has been let in and hears what is written. */
  async joined(): Promise<void> {
    if (this.#node !== null) return;
    await new Promise<void>((resolve) => this.#onJoined.push(resolve));
  }

  write(bytes: Uint8Array): void {
    this.#node?.write(bytes);
  }

  /** The node has to come again. */
  cut(): void {
    const node = this.#node;
    this.#node = null;
    node?.destroy();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #accept(node: Socket): void {
    const orchestrator = connect(parseAddress(this.#orchestrator));
    for (const [socket, other] of [
      [node, orchestrator],
      [orchestrator, node],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
        if (this.#node === node) this.#node = null;
      });
    }
    node.on('data', (chunk: Buffer) => orchestrator.write(chunk));
    let rest: Buffer = Buffer.alloc(0);
    orchestrator.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const frame = firstFrame(rest);
        if (frame === null) return;
        rest = rest.subarray(frame.length);
        node.write(frame);
        if (frame.readUInt32LE(0) === EVENT_IDS.identified) this.#join(node);
      }
    });
  }

  #join(node: Socket): void {
    this.#node = node;
    for (const onJoined of this.#onJoined.splice(0)) onJoined();
  }
}

function firstFrame(bytes: Buffer): Buffer | null {
  if (bytes.length < HEADER_BYTES) return null;
  const length = HEADER_BYTES + bytes.readUInt32LE(4);
  return bytes.length < length ? null : bytes.subarray(0, length);
}
