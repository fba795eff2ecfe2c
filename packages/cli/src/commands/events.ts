/** `dso events`: what happened, and with --follow what happens. A follower survives a restart of the orchestrator. */
import type { RecordedEntry } from '@dshard/orchestrator';
import { delay, systemClock } from '@dshard/transport';
import type { Command } from 'commander';
import { createClient, type Client } from '../client.js';
import { resolveTarget, type ConnectionOptions } from '../connection-options.js';
import { CliError } from '../errors.js';
import { runCommand, withCommonHelp } from '../run-command.js';

type Options = ConnectionOptions & { follow?: boolean; after?: string };

const RECONNECT_MS = 1000;

export function addEvents(program: Command): void {
  const command = program
    .command('events')
    .description('show what happened, oldest first, and who asked for it')
    .option('-f, --follow', 'go on with what happens; with --json one document per line')
    .option('--after <id>', 'all that came after this event; without it the last 2000 are shown');
  withCommonHelp(command, ['dso events', 'dso events --follow', 'dso events --after 120 --json']).action(
    async (options: Options) => {
      const after = options.after === undefined ? null : Number(options.after);
      if (after !== null && (!Number.isSafeInteger(after) || after < 0)) {
        throw new CliError('DSO_CLI_USAGE', `--after expects the id of an event, not "${options.after}".`);
      }
      if (options.follow === true) {
        await follow(createClient(resolveTarget(options, process.env)), after ?? 0, options.json === true);
        return;
      }
      await runCommand(options, async (client) => {
        const entries = await client.events(after);
        return { document: entries, text: entries.map(lineOf).join('\n') };
      });
    },
  );
}

/** Goes on until the program is ended. Rejects when nobody listens at first. */
async function follow(client: Client, after: number, json: boolean): Promise<never> {
  let last = after;
  const show = (entry: RecordedEntry): void => {
    last = entry.id;
    process.stdout.write(`${json ? JSON.stringify(entry) : lineOf(entry)}\n`);
  };
  await client.follow(last, show);
  process.stderr.write('The orchestrator hung up; waiting for it to come back …\n');
  for (;;) {
    await delay(systemClock(), RECONNECT_MS);
    await client.follow(last, show).catch((error: unknown) => {
      // Still away: that is what we wait for. Anything it says itself (a wrong token) ends the wait.
      if (!(error instanceof CliError) || error.code !== 'DSO_CLI_UNREACHABLE') throw error;
    });
  }
}

function lineOf({ id, at, level, text, by }: RecordedEntry): string {
  const who = by === 'automatic' ? '' : ` [${by}]`;
  const shown = `${text}${who}`.replaceAll(/\p{Cc}/gu, ' ');
  return `${String(id).padStart(5)}  ${new Date(at).toISOString()}  ${level.padEnd(5)}  ${shown}`;
}
