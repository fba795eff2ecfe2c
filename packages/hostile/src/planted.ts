/** The suite proves itself: with a hole behind a door it must fail. */
import { api } from './doors/api.js';
import type { Door } from './doors/door.js';
import { nodePort } from './doors/node-port.js';
import type { Plant } from './behind/victim.js';
import type { HostileOptions } from './options.js';
import { runDoor } from './run-door.js';

const INPUTS = 400;
const PLANTS: readonly (readonly [Plant, Door])[] = [
  ['crash', nodePort],
  ['leak', nodePort],
  ['role', api],
  ['answer', api],
];

/** Whether each hole was found. */
export async function findsPlants({ seed }: HostileOptions, say: (text: string) => void): Promise<boolean> {
  for (const [plant, door] of PLANTS) {
    say(`a planted hole: ${plant}`);
    const { failure } = await runDoor(door, { seed, from: 0, inputs: INPUTS, doors: [door.name], plant }, say);
    if (failure === null) {
      say(`✘ The planted hole "${plant}" was not found.`);
      return false;
    }
    say(failure.split('\n')[0] ?? '');
  }
  return true;
}
