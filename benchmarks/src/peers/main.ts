/**
 * `npm run bench -- peers`: a deploy of a whole discord.js bot while people write, as its manager does it: discord.js'
 * ShardingManager, discord-hybrid-sharding, and ours. Every manager has the same bot, the same traffic and a Discord of
 * its own; the ledger says what became of each message.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followReports, waitFor } from '@dshard/demo';
import { startGatewayEmulator, type GatewayEmulator, type Verdict } from '@dshard/gateway-emulator';
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { atMost, figure, machine, tell, whole, type Target } from '../outcome.js';
import { MANAGERS, startManager, type ManagerName } from './managers.js';
import { Silences } from './silences.js';

type Flags = { shards: number; rate: number; maxConcurrency: number; only?: string; quick?: true; json?: true };

type Reading = {
  /** From the command to the end of it, as its manager says. */
  seconds: number;
  identifies: number;
  /** Messages that Discord had for the bot meanwhile, and for 3 s before and after. */
  messages: number;
  lost: number;
  repeated: number;
  /** The longest time in which a shard handed no message to the bot's code. Without a restart it is below a second. */
  silentSeconds: number;
};

const CALM_MS = 3_000;
/** Managers start eight shards one by one, as Discord lets them. */
const START_TIMEOUT_MS = 180_000;
const QUIET_MS = 5_000;

const flags = new Command('bench -- peers')
  .description('A whole discord.js bot is deployed under traffic by each of three managers, one after the other.')
  .option('--shards <n>', 'shards of the bot', whole, 8)
  .option('--rate <n>', 'messages a second over all shards', whole, 100)
  .option('--max-concurrency <n>', 'as Discord has it for most bots', whole, 1)
  .option('--only <text>', 'only managers whose name has this')
  .option('--quick', 'four shards')
  .option('--json', 'the last line is the outcome as JSON')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench -- peers --json
  npm run bench -- peers --max-concurrency 16
  npm run bench -- peers --only dshard --quick      half a minute

Exit codes: 0 each manager was measured, and ours lost and repeated nothing; 1 otherwise.`,
  )
  .parse()
  .opts<Flags>();

const clock = systemClock();
const shards = flags.quick === true ? 4 : flags.shards;
const chosen = MANAGERS.filter((name) => name.includes(flags.only ?? ''));
const readings = new Map<ManagerName, Reading>();

console.error(
  `${shards} shards, ${flags.rate} messages a second, max_concurrency ${flags.maxConcurrency}; ${machine()}.`,
);
for (const name of chosen) {
  const reading = await measure(name);
  readings.set(name, reading);
  console.error(`${name}: ${JSON.stringify(reading)}`);
}
console.error(`\n${table()}\n`);

const ours = readings.get('dshardorchestrator');
const ok = ours === undefined || (ours.lost === 0 && ours.repeated === 0 && ours.identifies === 0);
tell({ name: 'peers', ok, shards, figures: Object.fromEntries(readings), targets: targets() }, flags);
process.exitCode = ok ? 0 : 1;

async function measure(name: ManagerName): Promise<Reading> {
  const folder = mkdtempSync(join(tmpdir(), 'dso-peers-'));
  mkdirSync(join(folder, 'data'));
  const handledFile = join(folder, 'handled.jsonl');
  const token = `${Buffer.from('123456789012345678').toString('base64')}.peers.token`;
  const size = { shards, guilds: shards * 4, members: 5, maxConcurrency: flags.maxConcurrency };
  const gateway = await startGatewayEmulator({ ...size, token }, { clock });
  const silences = new Silences();
  const stopFollowing = followReports(clock, handledFile, (node, event) => {
    gateway.ledger.handled({ node, events: [event] });
    silences.handled(event);
  });
  const environment = {
    ...process.env,
    DISCORD_API: gateway.apiUrl,
    DISCORD_TOKEN: token,
    BENCH_HANDLED_FILE: handledFile,
    DSO_TOKEN: '',
  };
  const manager = await startManager(name, { folder: join(folder, 'data'), shards, environment });
  const onInterrupt = (): void => void manager.end().finally(() => process.exit(130));
  process.once('SIGINT', onInterrupt);
  try {
    await waitFor(clock, `${shards} shards of ${name}`, START_TIMEOUT_MS, () => attached(gateway) === shards);
    // A bot drops messages of guilds that it was not told of so far: this part does not count.
    gateway.traffic.start(flags.rate);
    await waitFor(clock, `a message on each shard of ${name}`, START_TIMEOUT_MS, () => silences.shards === shards);
    const before = await settled(gateway);
    silences.forget();

    gateway.traffic.start(flags.rate);
    await delay(clock, CALM_MS);
    const startedAt = clock.monotonicMs();
    await manager.restart();
    await waitFor(
      clock,
      `${shards} shards of ${name} after the restart`,
      START_TIMEOUT_MS,
      () => attached(gateway) >= shards,
    );
    const seconds = (clock.monotonicMs() - startedAt) / 1_000;
    await delay(clock, CALM_MS);
    const after = await settled(gateway);
    const during = (count: (verdict: Verdict) => number): number => count(after) - count(before);
    return {
      seconds: rounded(seconds),
      identifies: during(({ identifies }) => identifies.used),
      messages: during(({ emitted, missed }) => emitted + missed),
      lost: during(({ lost, missed }) => lost + missed),
      repeated: during(({ duplicated, redelivered }) => duplicated + redelivered),
      silentSeconds: rounded(silences.longestMs / 1_000),
    };
  } finally {
    process.off('SIGINT', onInterrupt);
    await manager.end();
    stopFollowing();
    await gateway.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The verdict when the traffic has ended, and what is on its way has arrived or is lost. */
async function settled({ traffic, ledger }: GatewayEmulator): Promise<Verdict> {
  traffic.stop();
  await delay(clock, QUIET_MS);
  return ledger.verdict();
}

function attached({ admin }: GatewayEmulator): number {
  return new Set(
    admin
      .status()
      .sessions.filter((session) => session.attached)
      .map(({ shard }) => shard),
  ).size;
}

function rounded(seconds: number): number {
  return Number(seconds.toFixed(1));
}

function table(): string {
  const head = '| manager | seconds | IDENTIFYs | messages | lost | repeated | longest silence of a shard |';
  const rows = [...readings].map(
    ([name, { seconds, identifies, messages, lost, repeated, silentSeconds }]) =>
      `| ${name} | ${seconds} | ${identifies} | ${messages} | ${lost} | ${repeated} | ${silentSeconds} s |`,
  );
  return [head, head.replaceAll(/[^|]+/g, ' --- '), ...rows].join('\n');
}

function targets(): Target[] {
  return [...readings].flatMap(([name, reading]) => {
    const isOurs = name === 'dshardorchestrator';
    const kind = (what: string, value: number): Target => (isOurs ? atMost(what, value, 0) : figure(what, value));
    return [
      figure(`${name}: seconds`, reading.seconds),
      kind(`${name}: IDENTIFYs`, reading.identifies),
      kind(`${name}: messages lost`, reading.lost),
      kind(`${name}: messages repeated`, reading.repeated),
      figure(`${name}: longest silence of a shard, s`, reading.silentSeconds),
    ];
  });
}
