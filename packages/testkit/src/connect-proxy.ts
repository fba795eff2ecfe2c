/**
 * A small HTTP proxy on loopback that knows CONNECT, as companies have it. Whatever host is asked for, it leads to
 * `target`, so that names that do not exist can be reached through it only.
 */
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export type ConnectProxyOptions = {
  /** The port on loopback to which everything is led. */
  target: number;
  /** `user:password`, without which nobody is let through. */
  credentials?: string;
};

export class ConnectProxy {
  readonly #server = createServer((_, response) => response.writeHead(405).end());
  readonly #sockets = new Set<Socket>();
  /** What was asked for, `discord.com:443`, in order. */
  readonly asked: string[] = [];

  private constructor({ target, credentials }: ConnectProxyOptions) {
    const wanted = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.#server.on('connect', ({ url, headers }, client: Socket, head: Buffer) => {
      if (wanted !== undefined && headers['proxy-authorization'] !== wanted) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      this.asked.push(url ?? '');
      const upstream = connect(target, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        upstream.write(head);
        upstream.pipe(client).pipe(upstream);
      });
      this.#keep(upstream);
    });
  }

  static async start(options: ConnectProxyOptions): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    // What breaks on the way breaks for both sides.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
