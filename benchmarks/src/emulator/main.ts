/**
 * `npm run bench -- emulator`: how many shards and events a second one emulator serves, and what it costs.
 */
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import type { ClientOrder, ClientReading, ClientSaying, ServerOrder, ServerReading, ServerSaying } from './messages.js';
import { atLeast, atMost, figure, machine, ratioOf, tell, whole } from '../outcome.js';
import { Peer } from '../processes.js';

type Flags = { shards: number; guilds?: number; clients: number; rates: number[]; seconds: number; json?: true };

type Row = {
  asked: number;
  emitted: number;
  delivered: number;
  lagP50Ms: number;
  lagP99Ms: number;
  /** Share of one core. */
  emulatorCpu: number;
  /** Of that in the kernel. */
  emulatorKernel: number;
  clientCpu: number;
  emulatorRssMb: number;
  gaps: number;
};

/**
 * An emulator keeps up while it makes and delivers so much of what was asked for, and it does not arrive later and
 * later.
 */
const enough = 0.97;
const TARGET_RATE = 20_000;
const TARGET_CPU = 0.6;
const warmUpMs = 1_500;
const maxLagMs = 1_000;

const flags = new Command('bench -- emulator')
  .description('One emulator, clients in processes of their own, rate after rate until it does not keep up.')
  .option('--shards <n>', 'sessions', whole, 1_000)
  .option('--guilds <n>', 'guilds of the world (default: 4 per shard)', whole)
  .option('--clients <n>', 'client processes', whole, 1)
  .option(
    '--rates <list>',
    'events a second',
    (text: string) => text.split(',').map(whole),
    [5_000, 10_000, 20_000, 30_000, 40_000],
  )
  .option('--seconds <n>', 'at each rate', whole, 5)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const clock = systemClock();
const { shards, clients: clientCount, seconds } = flags;
const server = new Peer<ServerOrder, ServerSaying>(new URL('./server.js', import.meta.url), {
  shards,
  guilds: flags.guilds ?? 4 * shards,
});
const address = await server.hear();
if (address.kind !== 'listening') throw new Error('The emulator did not say where it listens.');

const started = clock.monotonicMs();
const share = Math.ceil(shards / clientCount);
const clients = Array.from({ length: clientCount }, (_, index) => {
  const { url, token } = address;
  const order: ClientOrder = {
    url,
    token,
    from: index * share,
    to: Math.min(shards, (index + 1) * share),
    shards,
    compress: false,
  };
  return new Peer<object, ClientSaying>(new URL('./client.js', import.meta.url), order);
});
await Promise.all(clients.map((client) => client.hear()));
console.error(`${shards} shards ready after ${((clock.monotonicMs() - started) / 1000).toFixed(1)} s; ${machine()}.`);

const rows: Row[] = [];
for (const rate of flags.rates) {
  const row = await measure(rate);
  rows.push(row);
  console.error(lineOf(row));
  if (!keepsUp(row)) break;
}
for (const client of clients) await client.end();
await server.end();

const best = rows.findLast(keepsUp) ?? null;
console.error(
  best === null
    ? 'It kept up with none of the rates.'
    : `It kept up with ${best.asked} events a second to ${shards} shards.`,
);
const atTarget = rows.find(({ asked }) => asked === TARGET_RATE);
const targets = [
  atLeast('events a second that it kept up with', best?.asked ?? 0, Math.min(TARGET_RATE, Math.max(...flags.rates))),
  ...(atTarget === undefined
    ? []
    : [atMost(`share of a core at ${TARGET_RATE} a second`, ratioOf(atTarget.emulatorCpu, 1), TARGET_CPU)]),
  ...rows.map(({ asked, lagP99Ms }) => figure(`lag p99 at ${asked} a second, ms`, lagP99Ms)),
];
tell({ name: 'emulator', ok: best !== null, shards, rows, targets }, flags);
process.exitCode = best === null ? 1 : 0;

async function measure(asked: number): Promise<Row> {
  server.tell({ do: 'rate', rate: asked });
  await delay(clock, warmUpMs);
  await read();
  await delay(clock, seconds * 1000);
  const { emulator, heard } = await read();
  const lags = heard.flatMap(({ latenciesMs }) => latenciesMs).sort((one, other) => one - other);
  const perSecond = ({ events, ms }: ClientReading): number => (events * 1000) / ms;
  return {
    asked,
    emitted: Math.round((emulator.made * 1000) / emulator.ms),
    delivered: Math.round(heard.reduce((sum, reading) => sum + perSecond(reading), 0)),
    lagP50Ms: lags[Math.floor(lags.length * 0.5)] ?? 0,
    lagP99Ms: lags[Math.floor(lags.length * 0.99)] ?? 0,
    emulatorCpu: emulator.cpuMs / emulator.ms,
    emulatorKernel: emulator.kernelMs / emulator.ms,
    clientCpu: heard.reduce((sum, { cpuMs, ms }) => sum + cpuMs / ms, 0),
    emulatorRssMb: emulator.rssMb,
    gaps: heard.reduce((sum, { gaps }) => sum + gaps, 0),
  };
}

async function read(): Promise<{ emulator: ServerReading; heard: ClientReading[] }> {
  server.tell({ do: 'read' });
  for (const client of clients) client.tell({});
  const sayings = await Promise.all(clients.map((client) => client.hear()));
  const emulator = await server.hear();
  if (emulator.kind !== 'reading') throw new Error('The emulator did not say how it is.');
  return {
    emulator: emulator.reading,
    heard: sayings.flatMap((saying) => (saying.kind === 'reading' ? [saying.reading] : [])),
  };
}

function keepsUp({ asked, emitted, delivered, lagP99Ms, gaps }: Row): boolean {
  return emitted >= asked * enough && delivered >= asked * enough && lagP99Ms <= maxLagMs && gaps === 0;
}

function lineOf(row: Row): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return [
    `${row.asked}/s asked: ${row.emitted} emitted, ${row.delivered} delivered`,
    `lag p50 ${row.lagP50Ms} ms, p99 ${row.lagP99Ms} ms`,
    `emulator ${percent(row.emulatorCpu)} of a core (${percent(row.emulatorKernel)} in the kernel), ${row.emulatorRssMb} MB`,
    `client ${percent(row.clientCpu)}`,
    ...(row.gaps === 0 ? [] : [`${row.gaps} gaps`]),
    ...(keepsUp(row) ? [] : ['does not keep up']),
  ].join('; ');
}
