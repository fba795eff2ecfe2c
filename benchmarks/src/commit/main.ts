/**
 * `npm run bench -- commit`: how many decisions a second become durable while 64 shards move at once, on each store,
 * beside what the same store can do for an orchestrator that commits each decision by itself. The database is a real
 * one, behind a proxy that makes its way long.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultProxy, PostgresServer } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { Client } from 'pg';
import type { NodesOrder, NodesSaying } from '../light-fleet/messages.js';
import { atLeast, figure, machine, ratioOf, tell, whole } from '../outcome.js';
import { Peer } from '../processes.js';
import type { CommitOrder, CommitSaying } from './messages.js';

type Flags = { runs: number; moving: number; nodes: number; seconds: number; quick?: true; json?: true };
type Place = { name: string; store: CommitOrder['store']; roundTripMs: number | null };
/** A second. */
type Rates = { decisions: number; alone: number; perCommit: number };
type Row = { store: string; roundTripMs: number | null } & Rates;

const flags = new Command('bench -- commit')
  .description(
    'Decisions a second that become durable while shards move, on each store; PostgreSQL 1 ms and 5 ms away.',
  )
  .option('--runs <n>', 'runs on each store, in turn; the median counts', whole, 3)
  .option('--moving <n>', 'shards that move at once', whole, 64)
  .option('--nodes <n>', 'light nodes, in one process', whole, 4)
  .option('--seconds <n>', 'how long each run is', whole, 4)
  .option('--quick', 'one run of two seconds')
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

/** A shard that came to a node rests, until the node has said that its session is up. */
const SHARDS_PER_PLACE = 10;

const runs = flags.quick === true ? 1 : flags.runs;
const seconds = flags.quick === true ? 2 : flags.seconds;
const places: readonly Place[] = [
  { name: 'memory', store: 'memory', roundTripMs: null },
  { name: 'sqlite', store: 'sqlite', roundTripMs: null },
  { name: 'postgres, 1 ms away', store: 'postgres', roundTripMs: 1 },
  { name: 'postgres, 5 ms away', store: 'postgres', roundTripMs: 5 },
];
const clock = systemClock();
const database = await PostgresServer.start();
try {
  console.error(`${flags.moving} shards move at once on ${flags.nodes} nodes; ${machine()}.`);
  const taken = new Map(places.map(({ name }) => [name, [] as Row[]]));
  for (let run = 0; run < runs; run += 1) {
    for (const place of places) {
      const row = await measure(place);
      taken.get(place.name)?.push(row);
      console.error(lineOf(row));
    }
  }
  const row = (name: string): Row => medianRow(taken.get(name) ?? []);
  const rows = places.map(({ name }) => row(name));
  const gain = ({ decisions, alone }: Row): number => ratioOf(decisions, alone);
  const targets = [
    atLeast('PostgreSQL 5 ms away, against one commit per decision', gain(row('postgres, 5 ms away')), 10),
    atLeast('PostgreSQL 1 ms away, against one commit per decision', gain(row('postgres, 1 ms away')), 4),
    atLeast('SQLite: share of the memory store', ratioOf(row('sqlite').decisions, row('memory').decisions), 0.7),
    ...rows.map(({ store, decisions }) => figure(`${store}: decisions a second`, decisions)),
    ...rows.map(({ store, alone }) => figure(`${store}: commits a second, one decision each`, alone)),
  ];
  tell({ name: 'commit', ok: true, runs, rows, targets }, flags);
} finally {
  await database.close();
}

async function measure({ name, store, roundTripMs }: Place): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'dshard-bench-commit-'));
  await database.sql('DROP SCHEMA IF EXISTS dso CASCADE');
  await using proxy = await FaultProxy.to(database.address);
  if (roundTripMs !== null) proxy.set({ latencyMs: roundTripMs / 2 });
  const url = database.url.replace(database.address, proxy.address);
  const shards = flags.moving * SHARDS_PER_PLACE;
  const order: CommitOrder = { store, url, folder, shards, atOnce: flags.moving, seconds };
  const orchestrator = new Peer<object, CommitSaying>(new URL('./orchestrator.js', import.meta.url), order);
  let nodes: Peer<object, NodesSaying> | null = null;
  try {
    const listening = await orchestrator.hear();
    if (listening.kind !== 'listening') throw new Error('The orchestrator did not say where it listens.');
    const place: NodesOrder = { orchestrator: listening.address, from: 0, to: flags.nodes, stateKb: 0 };
    nodes = new Peer(new URL('../light-fleet/nodes.js', import.meta.url), place);
    await nodes.hear();
    nodes.tell({ do: 'start' });
    orchestrator.tell({ do: 'measure' });
    const said = await orchestrator.hear();
    if (said.kind !== 'done') throw new Error('The orchestrator did not say what it did.');
    const { single, together, bare } = said;
    // Each decision of a move that is alone has a commit of its own.
    const decisions = together.moves * (single.commits / single.moves);
    return {
      store: name,
      roundTripMs: store === 'postgres' ? await roundTrip(url) : null,
      decisions: Math.round((decisions / together.ms) * 1_000),
      alone: Math.round((bare.commits / bare.ms) * 1_000),
      perCommit: Number((decisions / together.commits).toFixed(1)),
    };
  } finally {
    await nodes?.end('SIGKILL');
    await orchestrator.end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As it is: timers of the proxy are late. */
async function roundTrip(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const startedMs = clock.monotonicMs();
  for (let round = 0; round < 20; round += 1) await client.query('SELECT 1');
  const ms = (clock.monotonicMs() - startedMs) / 20;
  await client.end();
  return Number(ms.toFixed(1));
}

/** The run whose decisions are in the middle. */
function medianRow(rows: readonly Row[]): Row {
  const sorted = rows.toSorted((a, b) => a.decisions - b.decisions);
  const row = sorted[Math.floor((sorted.length - 1) / 2)];
  if (row === undefined) throw new Error('There was no run.');
  return row;
}

function lineOf({ store, decisions, alone, perCommit, roundTripMs }: Row): string {
  const away = roundTripMs === null ? '' : ` (a round trip takes ${roundTripMs} ms)`;
  return `${store}${away}: ${decisions} decisions a second, ${perCommit} to a commit; ${alone} commits a second alone`;
}
