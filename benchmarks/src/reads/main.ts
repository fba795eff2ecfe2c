/** `npm run bench -- reads`: how long the orchestrator of a large fleet takes for `/metrics` and `/v1/status`. */
import { createServer, type AddressInfo } from 'node:net';
import { systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { LightFleet } from '../light-fleet/fleet.js';
import { percentileOf } from '../median.js';
import { atMost, figure, machine, tell, whole, type Target } from '../outcome.js';

type Flags = { nodes: number; per: number; processes: number; times: number; within: number; json?: true };
type Row = { path: string; medianMs: number; p99Ms: number; kB: number };

const flags = new Command('bench -- reads')
  .description('Light nodes rest under one orchestrator, which is asked again and again over HTTP.')
  .option('--nodes <n>', 'nodes of the fleet', whole, 1_000)
  .option('--per <n>', 'shards per node', whole, 10)
  .option('--processes <n>', 'processes that the nodes share', whole, 4)
  .option('--times <n>', 'how often each is asked', whole, 200)
  .option('--within <s>', 'seconds that a start may take', whole, 120)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const LARGE = 1_000;
const MOST_MS = 50;
const clock = systemClock();
console.error(machine());
const rows = await measure();
tell({ name: 'reads', rows, targets: rows.flatMap(targetsOf) }, flags);

function targetsOf({ path, medianMs, p99Ms, kB }: Row): Target[] {
  const name = `GET ${path}, ${flags.nodes} nodes`;
  const p99 = `${name}: p99, ms`;
  return [
    figure(`${name}: kB`, kB),
    figure(`${name}: median, ms`, medianMs),
    flags.nodes < LARGE || path !== '/metrics' ? figure(p99, p99Ms) : atMost(p99, p99Ms, MOST_MS),
  ];
}

async function measure(): Promise<Row[]> {
  const { nodes, per, processes, within } = flags;
  const http = `127.0.0.1:${await freePort()}`;
  const settings = { 'http.enabled': 'true', 'http.listen': http };
  const fleet = await LightFleet.open({ nodes, shards: nodes * per, processes, settings }, clock);
  try {
    await fleet.connect();
    if (!(await fleet.untilUp(nodes, within * 1_000))) throw new Error(`${nodes} nodes did not come up.`);
    const measured: Row[] = [];
    for (const path of ['/metrics', '/v1/status']) measured.push(await ask(`http://${http}`, path));
    return measured;
  } finally {
    await fleet.close();
  }
}

async function ask(base: string, path: string): Promise<Row> {
  const took: number[] = [];
  let bytes = 0;
  for (let time = 0; time < flags.times; time += 1) {
    const begun = clock.monotonicMs();
    const answer = await fetch(`${base}${path}`);
    bytes = (await answer.arrayBuffer()).byteLength;
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}.`);
    took.push(clock.monotonicMs() - begun);
  }
  const kB = Math.round(bytes / 1_000);
  return { path, medianMs: percentileOf(took, 0.5), p99Ms: percentileOf(took, 0.99), kB };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
