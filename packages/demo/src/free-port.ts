import { once } from 'node:events';
import { createServer } from 'node:net';

/** `preferred` if nobody listens there, otherwise a free port the system gives. */
export async function freePort(preferred: number): Promise<number> {
  for (const port of [preferred, 0]) {
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    const address = server.address();
    server.close();
    await once(server, 'close');
    if (typeof address === 'object' && address !== null) return address.port;
  }
  throw new Error('The system gave no free port on 127.0.0.1.');
}
