/** `npm run schedulers`: see --help. */
import { waitFor } from '@dshard/demo';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { messageOf, parseWholeNumber } from '@dshard/protocol';
import { inOwnNetwork, namespacesMissing, NOT_RUN_HERE } from '@dshard/testkit';
import { delay, systemClock } from '@dshard/transport';
import { Command, InvalidArgumentError } from 'commander';
import { HostFleet } from '../hosts/host-fleet.js';
import { Scheduler } from './scheduler.js';
import { STRATEGIES, STRATEGY_NAMES, type StrategyName } from './strategies.js';
import { judgeSchedulers, type StrategyFigures } from './verdict.js';

type Flags = { nodes: number; shards: number; rate: number; minReady: number; only: StrategyName[]; json?: true };

const HOSTS = 2;
const UP_TIMEOUT_MS = 120_000;
const BETWEEN_MS = 2_000;
const LOG_LINES = 200;
const clock = systemClock();
const startedMs = clock.monotonicMs();

function say(text: string): void {
  const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds}s  ${text}\n`);
}

const within =
  (min: number, max: number) =>
  (text: string): number => {
    const value = parseWholeNumber(text, { min, max });
    if (value === undefined) throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };

const flags = new Command('npm run schedulers --')
  .description(
    'Rolling updates of bot processes on two hosts (network namespaces) by what schedulers do: start, probe, SIGTERM, grace, SIGKILL. In three ways: a new process first (Kubernetes), all ended and started (compose, systemd), one by one. Two orchestrators, PostgreSQL with a synchronous standby, mutual TLS.',
  )
  .option('--nodes <n>', 'bot processes, half of them on each host', within(2, 16), 6)
  .option('--shards <n>', 'gateway shards', within(2, 64), 12)
  .option('--rate <n>', 'events a second over all shards', within(1, 2_000), 200)
  .option('--min-ready <s>', 'seconds that a process has to be ready before it counts', within(0, 60), 3)
  .option('--only <ways>', `only these, separated by commas: ${STRATEGY_NAMES.join(', ')}`, strategies, [
    ...STRATEGY_NAMES,
  ])
  .option('--json', 'the last line of stdout is the verdict as JSON')
  .addHelpText(
    'after',
    `
Examples:
  npm run schedulers -- --json
  npm run schedulers -- --nodes 4 --shards 8 --min-ready 1 --json     short, as CI does
  npm run schedulers -- --only surge-first

Exit codes: 0 the verdict holds, 1 it does not, 2 the command line cannot be understood, 77 hosts cannot be made here (they take
root, iproute2 and iptables).`,
  )
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<Flags>();

function strategies(text: string): StrategyName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !STRATEGY_NAMES.some((known) => known === name));
  if (unknown === undefined) return STRATEGY_NAMES.filter((name) => names.includes(name));
  throw new InvalidArgumentError(`There is no way "${unknown}"; there are ${STRATEGY_NAMES.join(', ')}.`);
}

async function main(): Promise<number> {
  const missing = namespacesMissing();
  if (missing !== null) {
    process.stderr.write(`npm run schedulers cannot be run here: ${missing}.\n`);
    return NOT_RUN_HERE;
  }
  const code = await inOwnNetwork();
  if (code !== null) return code;
  const log: string[] = [];
  const onLine = (line: string): void => {
    log.push(line);
    if (log.length > LOG_LINES) log.shift();
  };
  let ledger: GatewayEmulator['ledger'] | null = null;
  await using fleet = await HostFleet.start(
    clock,
    {
      hosts: HOSTS,
      shards: flags.shards,
      seed: 1,
      orchestrators: [0, 1],
      database: [1, 0],
      bot: 'ws',
      settings: { startupGrace: '5s' },
      clocks: false,
    },
    { onLine, onHandled: (node, event) => ledger?.handled({ node, events: [event] }) },
  );
  ledger = fleet.parts.emulator.ledger;
  const { verdict, reasons } = await run(fleet, new Scheduler(clock, fleet, onLine)).catch((error: unknown) => {
    for (const line of log) say(`    ${line}`);
    throw error;
  });
  if (!verdict.ok) for (const line of log) say(`    ${line}`);
  for (const reason of reasons) say(`✘ ${reason}`);
  for (const { strategy, ended, badExits, longestEndMs, gapMs, tookMs } of verdict.strategies) {
    say(
      `${strategy}: ${ended} processes replaced in ${tookMs} ms, ${badExits} bad exits, ${longestEndMs} ms from SIGTERM to the exit at most; a shard had no session for ${gapMs.p50} ms (p50), ${gapMs.max} ms at most`,
    );
  }
  if (flags.json === true) process.stdout.write(`${JSON.stringify(verdict)}\n`);
  return verdict.ok ? 0 : 1;
}

async function run(fleet: HostFleet, scheduler: Scheduler): Promise<ReturnType<typeof judgeSchedulers>> {
  const { emulator, world } = fleet.parts;
  for (let node = 0; node < flags.nodes; node += 1) scheduler.start(`bot-${node}`, world.host(node % HOSTS));
  await allUp(fleet);
  say(`${flags.shards} shards run on ${flags.nodes} nodes on ${HOSTS} hosts`);
  emulator.traffic.start(flags.rate);
  const figures: StrategyFigures[] = [];
  for (const [index, strategy] of flags.only.entries()) {
    await delay(clock, BETWEEN_MS);
    const before = emulator.ledger.verdict().gaps.length;
    const beganMs = clock.monotonicMs();
    fleet.setVersion(`v${index + 2}`);
    const endings = await STRATEGIES[strategy]({ scheduler, minReadyMs: flags.minReady * 1_000, say });
    await allUp(fleet);
    const tookMs = Math.round(clock.monotonicMs() - beganMs);
    await delay(clock, BETWEEN_MS);
    const gapsMs = emulator.ledger
      .verdict()
      .gaps.slice(before)
      .map(({ ms }) => ms);
    figures.push({ strategy, endings, gapsMs, tookMs });
  }
  emulator.traffic.stop();
  await emulator.settled({ timeoutMs: 15_000 }).catch(() => undefined);
  const ledger = emulator.ledger.verdict();
  return judgeSchedulers({ nodes: flags.nodes, shards: flags.shards, ledger, strategies: figures });
}

/** On processes that run: nobody is on its way out. */
async function allUp(fleet: HostFleet): Promise<void> {
  const { client } = fleet.parts;
  await waitFor(clock, `${flags.shards} shards to be up on ${flags.nodes} nodes`, UP_TIMEOUT_MS, async () => {
    const status = await client.status().catch(() => null);
    if (status === null) return false;
    const serving = status.nodes.filter(({ connection, intent }) => connection === 'connected' && intent === 'serving');
    const isCalm = status.migrations.length === 0 && status.waitingMigrations.length === 0;
    const isUp = status.conditionCounts.up === flags.shards && fleet.attached() === flags.shards;
    return isUp && isCalm && serving.length === flags.nodes;
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`✘ ${messageOf(error)}`);
  process.exitCode = 1;
}
