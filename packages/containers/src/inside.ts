/** What `main.ts` runs in the sandbox, with a network of its own: one tour. Prints its verdict, a line of JSON. */
import { join } from 'node:path';
import { lineScreen, OrchestratorClient, Steps } from '@dshard/demo';
import { messageOf } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import { composeTour, OVERRIDE, writeSettings } from './compose-tour.js';
import { startContainersDiscord } from './discord.js';
import { Engine } from './engine.js';
import { kubeTour, writeSecret } from './kube-tour.js';
import type { TourName, TourVerdict } from './verdict.js';

const [folder = '', tour = 'compose'] = process.argv.slice(2) as [string?, TourName?];
const LOG_LINES = 40;

const clock = systemClock();
const steps = new Steps(clock, lineScreen(process.stderr));
const project = join(folder, 'project');
const engine = new Engine(project, ['compose.yaml', OVERRIDE]);
await using world = await startContainersDiscord(clock, folder);
const context = { clock, steps, engine, world };
try {
  // A tour before may have broken off.
  await engine.removeAll();
  const verdict = await runTour();
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
} catch (error) {
  process.stderr.write(`${await engine.lastWords(LOG_LINES).catch(messageOf)}\n✘ ${messageOf(error)}\n`);
  process.exitCode = 1;
} finally {
  await engine.removeAll();
}

async function runTour(): Promise<TourVerdict> {
  if (tour === 'kube') return kubeTour(context, folder, await writeSecret(context, folder));
  const token = writeSettings(project, world.discord.token, world);
  return composeTour({ ...context, client: new OrchestratorClient('http://127.0.0.1:7448', token) });
}
