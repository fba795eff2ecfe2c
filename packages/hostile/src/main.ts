/** `npm run hostile`: see --help. */
import { messageOf } from '@dshard/protocol';
import { systemClock, systemRandom } from '@dshard/transport';
import { DOORS } from './doors/index.js';
import { parseOptions } from './options.js';
import { runDoor, type DoorOutcome } from './run-door.js';
import { findsPlants } from './planted.js';

const clock = systemClock();
const startedMs = clock.monotonicMs();

function say(text: string): void {
  const seconds = ((clock.monotonicMs() - startedMs) / 1_000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds}s  ${text}\n`);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), systemRandom());
  if (process.platform !== 'linux') throw new Error('npm run hostile needs Linux: it looks at processes in /proc.');
  say(`seed ${options.seed}`);
  const outcomes: DoorOutcome[] = [];
  for (const door of DOORS.filter(({ name }) => options.doors.includes(name))) {
    outcomes.push(await runDoor(door, options, say));
  }
  const planted = options.plants ? await findsPlants(options, say) : null;
  const failed = outcomes.filter(({ failure }) => failure !== null).length;
  const verdict = {
    ok: failed === 0 && planted !== false,
    inputs: outcomes.reduce((sum, { inputs }) => sum + inputs, 0),
    mutated: outcomes.reduce((sum, { mutated }) => sum + mutated, 0),
    doors: Object.fromEntries(outcomes.map(({ door, inputs }) => [door, inputs])),
    failed,
    ...(planted !== null && { plantedHolesFound: planted }),
    seed: options.seed,
    seconds: Math.round((clock.monotonicMs() - startedMs) / 1_000),
  };
  for (const { failure } of outcomes) if (failure !== null) say(`✘ ${failure}`);
  process.stdout.write(options.json ? `${JSON.stringify(verdict)}\n` : words(verdict));
  process.exitCode = verdict.ok ? 0 : 1;
}

function words({
  ok,
  inputs,
  doors,
  seconds,
}: {
  ok: boolean;
  inputs: number;
  doors: object;
  seconds: number;
}): string {
  const each = Object.entries(doors).map(([door, count]) => `${door} ${String(count)}`);
  return `${ok ? '✔ Every door held.' : '✘ A door did not hold.'} ${inputs} inputs in ${seconds} s: ${each.join(', ')}.\n`;
}

try {
  await main();
} catch (error) {
  say(`✘ ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`);
  process.exitCode = 1;
}
// Whatever a door left open is not waited for.
process.exit();
