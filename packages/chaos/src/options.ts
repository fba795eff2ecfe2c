/** What `npm run chaos` can be told, checked. */
import { Command, InvalidArgumentError } from 'commander';
import { parseWholeNumber } from '@dshard/protocol';
import type { Random } from '@dshard/transport';
import { FAULT_NAMES, HOST_FAULT_NAMES, type FaultName } from './fault-kinds.js';

export type ChaosOptions = {
  minutes: number;
  /** 1: everything on one; else each is a network namespace. */
  hosts: number;
  seed: number;
  faults: readonly FaultName[];
  shards: number;
  /** Events a second over all shards. */
  rate: number;
  /** Print the verdict as one line of JSON. */
  json: boolean;
};

const MAX_SEED = 2 ** 31 - 1;

/** Ends the process with code 2 when something is wrong, and with 0 after `--help`. */
export function parseOptions(argv: readonly string[], random: Random): ChaosOptions {
  const program = new Command('npm run chaos --')
    .description(
      'Real processes under faults: orchestrator, three nodes with @discordjs/ws, Discord from the emulator, its ledger as the judge. With --hosts 3: three hosts with two nodes each, two orchestrators, PostgreSQL with a synchronous standby, mutual TLS.',
    )
    .option('--minutes <n>', 'how long faults go on', minutes, 3)
    .option('--hosts <n>', 'hosts: 1, or 3 to 5, each a network namespace (which takes root)', hosts, 1)
    .option('--seed <n>', 'which faults come when (default: a fresh one)', wholeNumber(0, MAX_SEED))
    .option(
      '--only <faults>',
      `only these, separated by commas: ${FAULT_NAMES.join(', ')}; with --hosts: ${HOST_FAULT_NAMES.join(', ')}`,
    )
    .option('--shards <n>', 'gateway shards', wholeNumber(3, 64), 12)
    .option('--rate <n>', 'events a second over all shards', wholeNumber(1, 2000), 200)
    .option('--json', 'the last line of stdout is the verdict as JSON', false)
    .addHelpText(
      'after',
      `
Examples:
  npm run chaos                                       three minutes, a fresh seed
  npm run chaos -- --minutes 3 --seed 7 --json        the same faults in the same order, each time
  npm run chaos -- --minutes 0.5                      as CI does
  npm run chaos -- --only node-kill,full-disk --minutes 1
  npm run chaos -- --hosts 3 --minutes 5 --json       hosts that are parted, killed, stopped; databases that fail over
  npm run chaos -- --hosts 3 --only part-hosts,kill-leader --minutes 1

Exit codes: 0 the verdict holds, 1 it does not, 2 the command line cannot be understood, 77 hosts cannot be made here, 130 interrupted.
It needs Linux; --hosts takes root, iproute2 and iptables. The full disk is a small tmpfs, which only root can mount, and clocks are set by libfaketime (Debian's package
faketime); others go without, and are told so.`,
    )
    .allowExcessArguments(false)
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  program.parse(argv, { from: 'user' });
  const given = program.opts<Omit<ChaosOptions, 'seed' | 'faults'> & { seed?: number; only?: string }>();
  const { only, seed = Math.floor(random.next() * MAX_SEED), ...rest } = given;
  const known: readonly FaultName[] = rest.hosts === 1 ? FAULT_NAMES : HOST_FAULT_NAMES;
  return { ...rest, seed, faults: only === undefined ? known : faults(program, only, known) };
}

/** What runs the same again. */
export function replayCommand({ minutes, hosts, seed, faults, shards, rate }: ChaosOptions): string {
  const all = hosts === 1 ? FAULT_NAMES : HOST_FAULT_NAMES;
  const several = hosts === 1 ? '' : ` --hosts ${hosts}`;
  const only = faults.length === all.length ? '' : ` --only ${faults.join(',')}`;
  return `npm run chaos --${several} --minutes ${minutes} --seed ${seed} --shards ${shards} --rate ${rate}${only}`;
}

function minutes(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < 0.1 || value > 120) {
    throw new InvalidArgumentError('It must be a number from 0.1 to 120.');
  }
  return value;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = parseWholeNumber(text, { min: least, max: most });
    if (value === undefined) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

function hosts(text: string): number {
  const value = parseWholeNumber(text, { min: 1, max: 5 });
  if (value === undefined || value === 2)
    throw new InvalidArgumentError('It must be 1, or a whole number from 3 to 5.');
  return value;
}

function faults(program: Command, text: string, known: readonly FaultName[]): FaultName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !known.some((each) => each === name));
  if (unknown !== undefined) {
    program.error(`error: --only: There is no fault "${unknown}"; there are ${known.join(', ')}.`);
  }
  return known.filter((name) => names.includes(name));
}
