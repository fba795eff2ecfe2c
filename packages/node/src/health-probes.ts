/**
 * For schedulers and load balancers (`healthListen`, DSO_HEALTH_LISTEN): `/livez` answers 200 while the process does,
 * `/readyz` 200 when the node is part of the fleet and means to stay, and its version does fine, else 503 with the
 * reason: a scheduler that waits for it replaces no more nodes. Nothing else is told, so that anybody may ask. Probes
 * never keep a process alive, and an address that is taken costs the probes, not the bot.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '@dshard/protocol';
import { parseAddress, type Address } from '@dshard/transport';
import type { NodeState } from './session/state.js';

/** A probe is a short line. */
const REQUEST_TIMEOUT_MS = 5_000;
const MOST_CONNECTIONS = 64;

export class HealthProbes {
  readonly #listen: Address | null;
  readonly #state: () => NodeState;
  readonly #problem: (text: string) => void;
  #server: Server | null = null;

  /** @param listen null: nobody asks. */
  constructor(listen: Address | null, state: () => NodeState, problem: (text: string) => void) {
    this.#listen = listen;
    this.#state = state;
    this.#problem = problem;
  }

  start(): void {
    if (this.#listen === null || this.#server !== null) return;
    const { host, port } = parseAddress(this.#listen);
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, ({ method, url = '' }, response) => {
      if (method !== 'GET' && method !== 'HEAD') return answer(response, 405, { why: 'Only GET is answered here.' });
      return this.#answer(url.split('?')[0] ?? '', response);
    });
    server.maxConnections = MOST_CONNECTIONS;
    server.on('connection', (socket) => socket.unref());
    server.on('error', (error) =>
      this.#problem(`Probes cannot be answered on ${this.#listen} (healthListen): ${messageOf(error)}`),
    );
    server.listen(port, host).unref();
    this.#server = server;
  }

  /** The last that is heard of the node is that it leaves. */
  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  #answer(path: string, response: ServerResponse): void {
    if (path === '/livez') return answer(response, 200, { ok: true });
    if (path !== '/readyz') return answer(response, 404, { why: 'There are /livez and /readyz here.' });
    const why = whyNotReady(this.#state());
    return why === null ? answer(response, 200, { ready: true }) : answer(response, 503, { ready: false, why });
  }
}

/** null: the node is ready. */
export function whyNotReady({ lifecycle, link, versionFailing }: NodeState): string | null {
  if (lifecycle.kind !== 'serving') return 'leaving';
  switch (link.kind) {
    case 'established':
      return versionFailing === null ? null : `versionFailing: ${versionFailing}`;
    case 'waiting':
      return `waiting: ${link.reason}`;
    case 'idle':
    case 'connecting':
    case 'identifying':
    case 'closed':
      return 'connecting';
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body)}\n`);
}
