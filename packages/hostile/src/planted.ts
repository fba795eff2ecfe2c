/** The suite proves itself: with a hole behind a door it must fail. */
import { nodePort } from './doors/node-port.js';
import type { Plant } from './behind/victim.js';
import type { HostileOptions } from './options.js';
import { runDoor } from './run-door.js';

const INPUTS = 400;
const PLANTS: readonly Plant[] = ['crash', 'leak'];

/** Whether each hole was found. */
export async function findsPlants({ seed }: HostileOptions, say: (text: string) => void): Promise<boolean> {
  for (const plant of PLANTS) {
    say(`a planted hole: ${plant}`);
    const { failure } = await runDoor(nodePort, { seed, from: 0, inputs: INPUTS, doors: [nodePort.name], plant }, say);
    if (failure === null) {
      say(`✘ The planted hole "${plant}" was not found.`);
      return false;
    }
    say(failure.split('\n')[0] ?? '');
  }
  return true;
}
