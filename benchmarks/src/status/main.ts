/**
 * `npm run bench -- status`: how soon a large fleet at rest answers how it is, and what readers of its stream cost:
 * one that keeps up, and many that do not read at all.
 */
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { freePort } from '@dshard/demo';
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { LightFleet } from '../light-fleet/fleet.js';
import { percentileOf } from '../median.js';
import { atLeast, atMost, figure, machine, tell, whole, type Target } from '../outcome.js';

type Flags = {
  nodes: number;
  per: number;
  processes: number;
  questions: number;
  readers: number;
  rest: number;
  within: number;
  json?: true;
};

const flags = new Command('bench -- status')
  .description('Asks a large fleet of light nodes for its status, and follows its live stream with slow readers.')
  .option('--nodes <n>', 'nodes', whole, 1_000)
  .option('--per <n>', 'shards per node', whole, 10)
  .option('--processes <n>', 'processes that the nodes share', whole, 4)
  .option('--questions <n>', 'how often the status is asked for', whole, 200)
  .option('--readers <n>', 'readers of the live stream that do not read', whole, 50)
  .option('--rest <s>', 'seconds that streams are measured', whole, 15)
  .option('--within <s>', 'seconds that the start may take', whole, 120)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const WARM_UP = 20;
const PAUSE_MS = 25;
const MAX_STATUS_MS = 50;
/** Two megabytes for each reader, by the bounds of the stream. */
const MB_PER_READER = 2;
const clock = systemClock();

console.error(machine());
tell({ name: 'status', nodes: flags.nodes, shards: flags.nodes * flags.per, targets: await measure() }, flags);

async function measure(): Promise<Target[]> {
  const { nodes, per, processes, readers } = flags;
  const port = await freePort(0);
  const settings = { 'http.enabled': 'true', 'http.listen': `127.0.0.1:${port}` };
  const fleet = await LightFleet.open({ nodes, shards: nodes * per, processes, settings }, clock);
  const sockets: Socket[] = [];
  try {
    await fleet.connect();
    if (!(await fleet.untilUp(nodes, flags.within * 1_000))) throw new Error(`${nodes} nodes did not come up.`);
    await delay(clock, 5_000);
    const status = await askOften(port, '/v1/status');
    const page = await askOften(port, '/v1/shards?condition=notUp&limit=100');
    await fleet.read();
    await delay(clock, flags.rest * 1_000);
    const alone = (await fleet.read()).orchestrator;
    const quick = followLive(port);
    sockets.push(quick.socket);
    await delay(clock, flags.rest * 1_000);
    const followed = (await fleet.read()).orchestrator;
    for (let opened = 0; opened < readers; opened += 1) sockets.push(openLive(port).pause());
    await delay(clock, 2 * flags.rest * 1_000);
    const before = quick.bytes();
    const crowded = (await fleet.read()).orchestrator;
    await delay(clock, flags.rest * 1_000);
    const share = ({ cpuMs, ms }: { cpuMs: number; ms: number }): number => Number((cpuMs / ms).toFixed(3));
    return [
      atMost('GET /v1/status p99, ms', percentileOf(status.ms, 0.99), MAX_STATUS_MS),
      figure('GET /v1/status p50, ms', percentileOf(status.ms, 0.5)),
      figure('GET /v1/status, kB', Math.round(status.bytes / 1_024)),
      figure('GET /v1/shards of those not up p99, ms', percentileOf(page.ms, 0.99)),
      figure('share of a core, nobody follows', share(alone)),
      figure('share of a core, one reader', share(followed)),
      figure(`share of a core, ${readers} readers more that do not read`, share(crowded)),
      figure('event-loop delay p99 with all readers, ms', crowded.delayP99Ms),
      figure('kB a second for the reader that reads', Math.round(before / 1_024 / (3 * flags.rest))),
      atMost(
        `memory of ${readers} readers that do not read, MB`,
        crowded.rssMb - followed.rssMb,
        readers * MB_PER_READER,
      ),
      atLeast('the reader that reads still gets news meanwhile, bytes', quick.bytes() - before, 1),
    ];
  } finally {
    for (const socket of sockets) socket.destroy();
    await fleet.close();
  }
}

async function askOften(port: number, path: string): Promise<{ ms: number[]; bytes: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ms: number[] = [];
  let bytes = 0;
  // The first questions are the engine's, which compiles what is asked often.
  for (let asked = 0; asked < WARM_UP; asked += 1) await ask(port, path, agent);
  for (let asked = 0; asked < flags.questions; asked += 1) {
    const startedAt = clock.monotonicMs();
    bytes = await ask(port, path, agent);
    ms.push(clock.monotonicMs() - startedAt);
    await delay(clock, PAUSE_MS);
  }
  agent.destroy();
  return { ms, bytes };
}

/** Resolves with the size of the answer when all of it has come. */
function ask(port: number, path: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, agent }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () =>
        response.statusCode === 200 ? resolve(bytes) : reject(new Error(`${path} answered ${response.statusCode}.`)),
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function openLive(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`GET /v1/live HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: text/event-stream\r\n\r\n`);
  return socket;
}

function followLive(port: number): { socket: Socket; bytes(): number } {
  const socket = openLive(port);
  let bytes = 0;
  socket.on('data', (chunk) => (bytes += chunk.length));
  return { socket, bytes: () => bytes };
}
