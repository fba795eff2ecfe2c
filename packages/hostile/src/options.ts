/** What `npm run hostile` can be told, checked. */
import { Command, InvalidArgumentError } from 'commander';
import { parseWholeNumber } from '@dshard/protocol';
import type { Random } from '@dshard/transport';
import type { Plant } from './behind/victim.js';
import type { DoorName } from './doors/door.js';
import { DOORS } from './doors/index.js';

export type HostileOptions = {
  seed: number;
  /** Over all doors. */
  inputs: number;
  /** The first input of each door. */
  from: number;
  doors: readonly DoorName[];
  /** A hole that the suite must find; then the run fails. */
  plant: Plant | null;
  /** Whether the planted holes are looked for at the end. */
  plants: boolean;
  json: boolean;
};

const MAX_SEED = 2 ** 31 - 1;
const INPUTS = 12_000;
const INPUTS_SHORT = 700;

type Given = {
  seed?: number;
  inputs?: number;
  from: number;
  door?: DoorName[];
  plant?: Plant;
  short: boolean;
  json: boolean;
};

/** Ends the process with code 2 when something is wrong, and with 0 after `--help`. */
export function parseOptions(argv: readonly string[], random: Random): HostileOptions {
  const names = DOORS.map(({ name }) => name);
  const program = new Command('npm run hostile --')
    .description('Bad input, generated from a seed, at every door: see docs/reference/security.md.')
    .option('--inputs <n>', `how many over all doors (default: ${INPUTS})`, wholeNumber(1, 1_000_000))
    .option('--seed <n>', 'which inputs (default: a fresh one)', wholeNumber(0, MAX_SEED))
    .option('--door <names>', `only these, separated by commas: ${names.join(', ')}`, doors)
    .option('--from <n>', 'the number of the first input of each door', wholeNumber(0, 1_000_000), 0)
    .option(
      '--plant <hole>',
      'a hole behind the doors: crash or leak, or for the door api role or answer; the run must fail',
      plant,
    )
    .option('--short', 'few inputs, and no planted hole, for CI', false)
    .option('--json', 'the last line of stdout is the verdict as JSON', false)
    .addHelpText(
      'after',
      `
Examples:
  npm run hostile -- --json                                    12,000 inputs, a fresh seed
  npm run hostile -- --door rest --seed 7 --inputs 2000        one door
  npm run hostile -- --door node-port --seed 7 --from 812 --inputs 1   one input again
  npm run hostile -- --plant crash                             fails, for it finds the hole

Exit codes: 0 every door held, 1 one did not, 2 the command line cannot be understood.`,
    )
    .allowExcessArguments(false)
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  program.parse(argv, { from: 'user' });
  const given = program.opts<Given>();
  return {
    seed: given.seed ?? Math.floor(random.next() * MAX_SEED),
    inputs: given.inputs ?? (given.short ? INPUTS_SHORT : INPUTS),
    from: given.from,
    doors: given.door ?? names,
    plant: given.plant ?? null,
    plants: !given.short && given.door === undefined && given.plant === undefined,
    json: given.json,
  };
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = parseWholeNumber(text, { min: least, max: most });
    if (value === undefined) throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

function doors(text: string): DoorName[] {
  return text.split(',').map((written) => {
    const door = DOORS.find(({ name }) => name === written.trim());
    if (door === undefined) throw new InvalidArgumentError(`There is no door "${written}".`);
    return door.name;
  });
}

function plant(text: string): Plant {
  const known: readonly Plant[] = ['crash', 'leak', 'role', 'answer'];
  const found = known.find((each) => each === text);
  if (found === undefined) throw new InvalidArgumentError(`There are the holes ${known.join(', ')}.`);
  return found;
}
