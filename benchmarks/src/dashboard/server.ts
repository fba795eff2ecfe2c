/** Serves the built page and tells it of a fleet that changes: what a browser sees of an orchestrator. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { Clock } from '@dshard/transport';
import { MadeUpFleet, type FleetSize } from './made-up-fleet.js';

const FILES = new URL('../../../packages/orchestrator/dist/dashboard/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
/** Deltas a second: more than an orchestrator sends. */
const DELTAS = 10;

export type PageServer = { readonly url: string; close(): void };

export async function servePage(size: FleetSize, changesPerSecond: number, clock: Clock): Promise<PageServer> {
  const fleet = new MadeUpFleet(size);
  const streams = new Set<ServerResponse>();
  const files = new Map(readdirSync(FILES).map((name) => [name, readFileSync(new URL(name, FILES))]));
  const server: Server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    if (path === '/v1/live') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(eventOf('snapshot', fleet.snapshot()));
      streams.add(response);
      response.on('close', () => streams.delete(response));
    } else if (path.startsWith('/v1/')) {
      const body = path === '/v1/whoami' ? { token: 'no token', role: 'admin', expiresAt: null } : {};
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } else {
      const name = path.split('/').at(-1) ?? '';
      const type = TYPES[extname(name)] ?? 'text/html';
      response.writeHead(200, { 'content-type': type }).end(files.get(name) ?? files.get('index.html'));
    }
  });
  const stop = clock.every(1_000 / DELTAS, () => {
    const delta = fleet.change(Math.round(changesPerSecond / DELTAS), 1_000 / DELTAS);
    for (const stream of streams) stream.write(eventOf('delta', delta));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/dashboard/`,
    close() {
      stop();
      server.closeAllConnections();
      server.close();
    },
  };
}

function eventOf(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
