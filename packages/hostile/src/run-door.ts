/** Throws input after input at one door, and says which of them the door did not hold against. */
import { printable } from '@dshard/protocol';
import { messageOf } from '@dshard/protocol';
import { Dice } from './input/dice.js';
import type { Door, DoorName, Input, OpenDoor } from './doors/door.js';
import type { HostileOptions } from './options.js';

export type DoorOutcome = { door: DoorName; inputs: number; mutated: number; failure: string | null };

const CHECK_EVERY = 50;
const SHOWN_BYTES = 512;

type Say = (text: string) => void;
type RunOptions = Pick<HostileOptions, 'seed' | 'inputs' | 'from' | 'doors' | 'plant'>;

export async function runDoor(door: Door, options: RunOptions, say: Say): Promise<DoorOutcome> {
  const count = inputsOf(door, options);
  const open = await door.open({ seed: options.seed, plant: options.plant });
  say(`${door.name}: ${count} inputs`);
  const outcome: DoorOutcome = { door: door.name, inputs: 0, mutated: 0, failure: null };
  try {
    outcome.failure = await throwAll(open, door.name, { ...options, inputs: count }, outcome);
  } finally {
    await open.close();
  }
  say(`${door.name}: ${outcome.failure === null ? 'held' : 'did not hold'}`);
  return outcome;
}

/** A single door gets all; else each its share, and a thousand at least in a whole run. */
function inputsOf(door: Door, { inputs, doors }: RunOptions): number {
  return doors.length === 1 ? inputs : Math.max(1, Math.ceil((inputs * door.share) / 100));
}

async function throwAll(
  open: OpenDoor,
  name: DoorName,
  { seed, from, inputs }: RunOptions,
  outcome: DoorOutcome,
): Promise<string | null> {
  let recent: { index: number; input: Input }[] = [];
  const failed = (problem: string): string => describe(name, seed, problem, recent);
  for (let index = from; index < from + inputs; index += 1) {
    const dice = new Dice(seed, name, index);
    const input = open.input(dice);
    recent.push({ index, input });
    try {
      const problem = await open.throwIn(input, dice);
      outcome.inputs += 1;
      if (input.mutated) outcome.mutated += 1;
      if (problem !== null) {
        recent = recent.slice(-1);
        return failed(problem);
      }
      if (outcome.inputs % CHECK_EVERY !== 0) continue;
      const found = await open.check();
      if (found !== null) return failed(found);
    } catch (error) {
      return failed((await open.check()) ?? `the suite could not go on: ${messageOf(error)}`);
    }
    recent = [];
  }
  const left = (await open.check()) ?? (await open.settled());
  if (left === null || recent.length > 0) return left === null ? null : failed(left);
  const again = `npm run hostile -- --door ${name} --seed ${seed} --from ${from} --inputs ${inputs}`;
  return `${name}: ${left}\n  again: ${again}`;
}

function describe(
  name: DoorName,
  seed: number,
  problem: string,
  recent: readonly { index: number; input: Input }[],
): string {
  const first = recent[0]?.index ?? 0;
  const lines = recent.map(({ index, input }) => {
    const hex = Buffer.from(input.bytes.subarray(0, SHOWN_BYTES)).toString('hex');
    return `    ${index}: ${printable(input.what)}: ${hex}${input.bytes.length > SHOWN_BYTES ? '…' : ''}`;
  });
  const again = `npm run hostile -- --door ${name} --seed ${seed} --from ${first} --inputs ${recent.length}`;
  return [`${name}: ${problem}`, `  again: ${again}`, '  the inputs since all was well:', ...lines].join('\n');
}
