/**
 * `npm run bench -- gap`: how long a shard that moves has no session, by the size of what goes along, beside the least
 * that any migration needs. All kinds take turns, so that whatever else the machine does meets them all.
 */
import { Command } from 'commander';
import { medianOf, percentileOf } from '../median.js';
import { carryOut } from '../moves/carry-out.js';
import type { RunOrder, RunReading } from '../moves/messages.js';
import { atMost, figure, machine, ratioOf, tell, whole, type Target } from '../outcome.js';

type Flags = { runs: number; rounds: number; rate: number; sizes: number[]; only?: string; quick?: true; json?: true };
type Kind = { name: string; order: Pick<RunOrder, 'bot' | 'stateMb' | 'guilds' | 'members' | 'shards'> };
type Figures = { p50: number; p99: number; frozenP99: number; moves: number };

const BARE = 'a bare ws';

const flags = new Command('bench -- gap')
  .description('Shards move under traffic: without state, with more and more of it, and with the caches of discord.js.')
  .option('--runs <n>', 'runs of each kind; the median counts', whole, 3)
  .option('--rounds <n>', 'how often each run moves every shard', whole, 4)
  .option('--rate <n>', 'events a second over all shards', whole, 1_000)
  .option('--sizes <list>', 'megabytes of state per node', (text) => text.split(',').map(Number), [0, 10, 100, 500])
  .option('--only <text>', 'only what begins with this, and the floor')
  .option('--quick', 'one run of two sizes and of small caches')
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const SHARDS = 8;
const NODES = 2;
const light = { guilds: 4, members: 5, shards: SHARDS };
const sizes = flags.quick === true ? [0, 10] : flags.sizes;
const caches = flags.quick === true ? { guilds: 20, members: 20 } : { guilds: 200, members: 100 };
const all: readonly Kind[] = [
  { name: BARE, order: { bot: 'bare', stateMb: 0, ...light } },
  ...sizes.map((megabytes) => ({
    name: `ws, ${megabytes} MB`,
    order: { bot: 'ws' as const, ...light, stateMb: Math.ceil(megabytes / SHARDS) },
  })),
  {
    name: `discord.js, ${caches.guilds} x ${caches.members}`,
    order: { bot: 'discordjs', stateMb: 0, ...caches, shards: SHARDS },
  },
];

const kinds = all.filter(({ name }) => name === BARE || name.startsWith(flags.only ?? ''));

console.error(`${SHARDS} shards on ${NODES} nodes, ${flags.rate} events a second; ${machine()}.`);
const readings = new Map<string, Figures[]>(kinds.map(({ name }) => [name, []]));
const problems: string[] = [];
const runs = flags.quick === true ? 1 : flags.runs;
for (let run = 0; run < runs; run += 1) {
  for (const kind of kinds) take(kind, await carryOutKind(kind, run + 1));
}

const figures = new Map(kinds.map(({ name }) => [name, middleOf(readings.get(name) ?? [])]));
const floor = figures.get(BARE) ?? { p50: 0, p99: 0, frozenP99: 0, moves: 0 };
for (const problem of problems) console.error(problem);
tell({ name: 'gap', ok: problems.length === 0, runs, figures: Object.fromEntries(figures), targets: targets() }, flags);
process.exitCode = problems.length === 0 ? 0 : 1;

function targets(): Target[] {
  const least = figures.get(`ws, ${sizes[0]} MB`)?.p50 ?? 0;
  return [...figures].flatMap(([name, { p50, p99, frozenP99 }]) => {
    const gaps = [figure(`${name}: gap p50, ms`, p50), figure(`${name}: gap p99, ms`, p99)];
    if (name === BARE) return gaps;
    const frozen = atMost(`${name}: frozen p99 against gap p99`, ratioOf(frozenP99, p99), 3);
    const middle = ratioOf(p50, floor.p50);
    if (name.startsWith('discord.js')) return [...gaps, atMost(`${name}: gap p50 against ${BARE}`, middle, 6), frozen];
    return [
      ...gaps,
      atMost(`${name}: gap p50 against ${BARE}`, middle, 3.5),
      atMost(`${name}: gap p99 against ${BARE}`, ratioOf(p99, floor.p99), 4),
      atMost(`${name}: gap p50 against the one with least state`, ratioOf(p50, least), 1.5),
      frozen,
    ];
  });
}

async function carryOutKind({ order }: Kind, seed: number): Promise<RunReading> {
  const { rate, rounds } = flags;
  const asked: RunOrder = {
    ...order,
    nodes: NODES,
    rate,
    rounds: flags.quick === true ? 1 : rounds,
    what: 'shards',
    seed,
    tls: null,
  };
  return carryOut(asked);
}

function take({ name, order }: Kind, { gapsMs, frozenMs, emitted, lost, repeated, identifies }: RunReading): void {
  const of = { p50: percentileOf(gapsMs, 0.5), p99: percentileOf(gapsMs, 0.99) };
  readings.get(name)?.push({ ...of, frozenP99: percentileOf(frozenMs, 0.99), moves: gapsMs.length });
  console.error(
    `${name}: ${gapsMs.length} moves, gap ${of.p50} ms (p50), ${of.p99} ms (p99), frozen ${percentileOf(frozenMs, 0.99)} ms (p99); ${emitted} events, ${lost} lost, ${repeated} repeated`,
  );
  if (gapsMs.length < order.shards) problems.push(`${name}: only ${gapsMs.length} shards moved.`);
  if (identifies !== order.shards) problems.push(`${name}: ${identifies} IDENTIFYs for ${order.shards} shards.`);
  // Nobody reports to the ledger what the bare client handles.
  if (name !== BARE && lost + repeated > 0) problems.push(`${name}: ${lost} events lost, ${repeated} repeated.`);
}

function middleOf(all: readonly Figures[]): Figures {
  const of = (each: (figures: Figures) => number): number => medianOf(all.map(each));
  return {
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    frozenP99: of(({ frozenP99 }) => frozenP99),
    moves: all.reduce((sum, { moves }) => sum + moves, 0),
  };
}
