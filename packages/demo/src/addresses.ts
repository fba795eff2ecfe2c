/** Where the processes of a fleet listen, and which way a node takes to the orchestrator. */
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

/**
 * Which of several addresses a node uses to reach the orchestrator, so that whoever stands in between (a fault proxy)
 * knows whose connection it has. Ids of launched nodes end in the time in base 36, so those that are launched together
 * use different ones.
 */
export function wayOf(node: string, ways: string | undefined): string | null {
  if (ways === undefined) return null;
  const addresses = ways.split(' ');
  return addresses[wayNumber(node, addresses.length)] ?? null;
}

export function wayNumber(node: string, ways: number): number {
  const launched = Number.parseInt(node.slice(node.lastIndexOf('-') + 1), 36);
  return Number.isNaN(launched) ? 0 : launched % ways;
}
