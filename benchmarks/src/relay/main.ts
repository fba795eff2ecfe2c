/**
 * `npm run bench -- relay`: how fast the state of a shard goes from origin to destination through the orchestrator. The
 * floor: the same values with the same codec through a socket with nobody between. Real processes; both take turns.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { medianOf } from '../median.js';
import { atLeast, machine, ratioOf, tell, whole } from '../outcome.js';
import { Peer } from '../processes.js';
import type { Arrived, Load, Saying, Usage } from './messages.js';

type Flags = { runs: number; only?: string; quick?: true; json?: true };
type Order = { do: 'send' | 'usage' } | { do: 'migrate'; to: string };
type Way = { ms: number; peakRssMb: number; cpu: Record<string, number> };
type Row = { what: string; fleet: number; bare: number; ratio: number; target: number; ok: boolean; peakRssMb: number };

const flags = new Command('bench -- relay')
  .description('User events node → orchestrator → node, against a bare encode, pipe and decode of the same values.')
  .option('--runs <n>', 'times that each way is taken; the median counts', whole, 5)
  .option('--only <text>', 'only what begins with this, such as "200 B"')
  .option('--quick', 'one run of a fifth of the events')
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const share = flags.quick === true ? 5 : 1;
const runs = flags.quick === true ? 1 : flags.runs;
const loads: readonly { what: string; load: Load; target: number }[] = [
  { what: '200 B objects', load: { format: 'objects', bytes: 200, events: 20_000 / share }, target: 0.5 },
  { what: '10 kB raw', load: { format: 'raw', bytes: 10_000, events: 10_000 / share }, target: 0.6 },
  { what: '100 kB raw', load: { format: 'raw', bytes: 100_000, events: 1_000 / share }, target: 0.6 },
];
const clock = systemClock();
const shards = 2;
const discord = await startGatewayEmulator({ shards, guilds: shards, maxConcurrency: shards });
try {
  console.error(machine());
  const rows: Row[] = [];
  for (const { what, load, target } of loads) {
    if (!what.startsWith(flags.only ?? '')) continue;
    const row = await compare(what, load, target);
    rows.push(row);
    console.error(lineOf(row, load));
  }
  const targets = rows.map(({ what, ratio, target }) => atLeast(`${what}: share of the bare way`, ratio, target));
  tell({ name: 'relay', runs, rows, targets }, flags);
} finally {
  await discord.close();
}

async function compare(what: string, load: Load, target: number): Promise<Row> {
  const fleet = await openFleet(load);
  const bare = await openBare(load);
  try {
    // One run of each warms the compilers up.
    await fleet.run();
    await bare.run();
    const ways: { fleet: Way[]; bare: Way[] } = { fleet: [], bare: [] };
    for (let run = 0; run < runs; run += 1) {
      ways.bare.push(await bare.run());
      ways.fleet.push(await fleet.run());
    }
    const perSecond = (taken: readonly Way[]): number =>
      Math.round((load.events * 1_000) / medianOf(taken.map(({ ms }) => ms)));
    const rates = { fleet: perSecond(ways.fleet), bare: perSecond(ways.bare) };
    const ratio = ratioOf(rates.fleet, rates.bare);
    console.error(`  CPU ms: ${JSON.stringify(ways.fleet.at(-1)?.cpu)}, bare ${JSON.stringify(ways.bare.at(-1)?.cpu)}`);
    const peakRssMb = Math.max(...ways.fleet.map((way) => way.peakRssMb));
    return { what, ...rates, ratio, target, ok: ratio >= target, peakRssMb };
  } finally {
    await Promise.all([fleet.close(), bare.close()]);
  }
}

async function openFleet(load: Load): Promise<{ run(): Promise<Way>; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'dshard-bench-relay-'));
  const orchestrator = new Peer<Order, Saying>(new URL('./orchestrator.js', import.meta.url), {
    listen: '127.0.0.1:0',
    folder,
    shards,
    discord: { api: discord.apiUrl, token: discord.token },
  });
  const { port } = expected(await orchestrator.hear(), 'ready');
  const node = (nodeId: string): Peer<Order, Saying> =>
    new Peer(new URL('./node.js', import.meta.url), { orchestrator: `127.0.0.1:${port}`, nodeId, load, slowMs: 0 });
  const nodes = [node('a'), node('b')];
  const names = { a: 0, b: 1 };
  let at: keyof typeof names = 'a';
  const all = { orchestrator, a: nodes[0], b: nodes[1] };
  orchestrator.tell({ do: 'migrate', to: at });
  expected(await orchestrator.hear(), 'done');
  return {
    async run() {
      const to = at === 'a' ? 'b' : 'a';
      await usageOf(all);
      orchestrator.tell({ do: 'migrate', to });
      const arrived = expected((await nodes[names[to]]?.hear()) as Saying, 'arrived');
      expected(await orchestrator.hear(), 'done');
      at = to;
      return wayOf(arrived, await usageOf(all));
    },
    async close() {
      await Promise.all([...nodes, orchestrator].map((peer) => peer.end('SIGKILL')));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function openBare(load: Load): Promise<{ run(): Promise<Way>; close(): Promise<void> }> {
  const program = new URL('./bare.js', import.meta.url);
  const reader = new Peer<Order, Saying>(program, { role: 'reader', port: 0, load });
  const { port } = expected(await reader.hear(), 'ready');
  const writer = new Peer<Order, Saying>(program, { role: 'writer', port, load });
  expected(await writer.hear(), 'ready');
  return {
    async run() {
      await usageOf({ reader, writer });
      writer.tell({ do: 'send' });
      const arrived = expected(await reader.hear(), 'arrived');
      expected(await writer.hear(), 'done');
      return wayOf(arrived, await usageOf({ reader, writer }));
    },
    async close() {
      await Promise.all([reader.end('SIGKILL'), writer.end('SIGKILL')]);
    },
  };
}

async function usageOf(peers: Record<string, Peer<Order, Saying> | undefined>): Promise<Record<string, Usage>> {
  await delay(clock, 50);
  const usages: Record<string, Usage> = {};
  for (const [name, peer] of Object.entries(peers)) {
    if (peer === undefined) continue;
    peer.tell({ do: 'usage' });
    usages[name] = expected(await peer.hear(), 'usage');
  }
  return usages;
}

function wayOf({ ms, events, inOrder }: Arrived, usages: Record<string, Usage>): Way {
  if (!inOrder) throw new Error(`${events} events arrived, but not in order.`);
  const cpu = Object.fromEntries(Object.entries(usages).map(([name, { cpuMs }]) => [name, Math.round(cpuMs)]));
  return { ms, cpu, peakRssMb: Math.round(Math.max(...Object.values(usages).map(({ peakRssMb }) => peakRssMb))) };
}

function expected<K extends Saying['kind']>(saying: Saying, kind: K): Extract<Saying, { kind: K }> {
  if (saying.kind !== kind) throw new Error(`A process said ${JSON.stringify(saying)} where ${kind} was due.`);
  return saying as Extract<Saying, { kind: K }>;
}

function lineOf({ what, fleet, bare, ratio, target, ok, peakRssMb }: Row, { bytes }: Load): string {
  const rate = (perSecond: number): string => `${perSecond}/s (${((perSecond * bytes) / 1e6).toFixed(0)} MB/s)`;
  const outcome = ok ? 'holds' : 'missed';
  return `${what}: ${rate(fleet)} of ${rate(bare)}, ratio ${ratio} (target ${target}: ${outcome}); largest process ${peakRssMb} MB`;
}
