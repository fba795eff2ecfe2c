/** `dso events`: what happened, and with --follow what happens. A follower survives a restart of the orchestrator. */
import type { HistoryEntry } from '@dshard/api';
import { parseWholeNumber, printableJson } from '@dshard/protocol';
import { delay, systemClock } from '@dshard/transport';
import type { Command } from 'commander';
import { createClient, type Client } from '../client.js';
import { resolveTargets, type ConnectionOptions } from '../connection-options.js';
import { describedCommand, wordsOf } from '../endpoint-command.js';
import { CliError } from '../errors.js';
import { leaderAmong } from '../leader.js';
import { runCommand } from '../run-command.js';

type Options = ConnectionOptions & { follow?: boolean; after?: string };

const RECONNECT_MS = 1000;
const EVENTS_AT_ONCE = 5_000;

export function addEvents(program: Command): void {
  describedCommand(program, wordsOf('events'))
    .option('-f, --follow', 'go on with what happens; with --json one document per line')
    .action(async (options: Options) => {
      const after = options.after === undefined ? null : eventId(options.after);
      if (options.follow === true) {
        const exact = options.json === true;
        const targets = resolveTargets(options, process.env);
        await follow(async () => createClient(await leaderAmong(targets), { exact }), after ?? 0, exact);
        return;
      }
      await runCommand(options, async (client) => {
        const entries = after === null ? await client.ask('events') : await allAfter(client, after);
        return { document: entries, text: () => entries.map(lineOf).join('\n') };
      });
    });
}

function eventId(written: string): number {
  const id = parseWholeNumber(written);
  if (id === undefined) throw new CliError('DSO_CLI_USAGE', `--after expects the id of an event, not "${written}".`);
  return id;
}

async function allAfter(client: Client, after: number): Promise<readonly HistoryEntry[]> {
  const all: HistoryEntry[] = [];
  for (let last = after; ;) {
    const page = await client.ask('events', { after: String(last), limit: String(EVENTS_AT_ONCE) });
    all.push(...page);
    last = page.at(-1)?.id ?? last;
    if (page.length < EVENTS_AT_ONCE) return all;
  }
}

/** Goes on until the program is ended. Rejects when nobody listens at first. */
async function follow(leader: () => Promise<Client>, after: number, json: boolean): Promise<never> {
  let last = after;
  const show = (entry: HistoryEntry): void => {
    last = entry.id;
    process.stdout.write(`${json ? printableJson(entry) : lineOf(entry)}\n`);
  };
  await (await leader()).follow(last, show);
  process.stderr.write('The orchestrator hung up; waiting for it to come back …\n');
  for (;;) {
    await delay(systemClock(), RECONNECT_MS);
    try {
      await (await leader()).follow(last, show);
    } catch (error) {
      // Still away, or about to begin: that is what we wait for. Anything else it says (a wrong token) ends the wait.
      if (!(error instanceof CliError)) throw error;
      if (error.code !== 'DSO_CLI_UNREACHABLE' && error.status !== 503) throw error;
    }
  }
}

function lineOf({ id, at, level, text, by }: HistoryEntry): string {
  const who = by === 'automatic' ? '' : ` [${by}]`;
  return `${String(id).padStart(5)}  ${new Date(at).toISOString()}  ${level.padEnd(5)}  ${text}${who}`;
}
