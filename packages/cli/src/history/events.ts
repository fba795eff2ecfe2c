/** `dso events`: what happened, and with --follow what happens. A follower survives a restart of the orchestrator. */
import { eventQuery, type HistoryEntry } from '@dshard/api';
import { parseWholeNumber, printable, printableJson } from '@dshard/protocol';
import { delay, systemClock } from '@dshard/transport';
import type { Command } from 'commander';
import { createClient, type Client } from '../client.js';
import { resolveTargets, type ConnectionOptions } from '../connection-options.js';
import { describedCommand, wordsOf } from '../endpoint-command.js';
import { CliError } from '../errors.js';
import { matcherFor, queryOf } from '../get/get.js';
import { leaderAmong } from '../leader.js';
import { formOf } from '../output/form.js';
import { painted, terminalOf, type Terminal } from '../output/terminal.js';
import { runCommand } from '../run-command.js';

type Narrowing = {
  query?: string;
  since?: string;
  node?: string;
  shard?: string;
  level?: string;
  name?: string;
  operation?: string;
};
type Options = ConnectionOptions & Narrowing & { follow?: boolean; after?: string };

const RECONNECT_MS = 1000;
const EVENTS_AT_ONCE = 5_000;
/** So far back is looked where most entries are left out. */
const LOOKED_AT = 10_000;

export function addEvents(program: Command): void {
  const command = describedCommand(program, wordsOf('events'))
    .argument('[query...]', 'such as node:web-1 level:trouble')
    .option('--query <query>', 'the same, also for terms that begin with "-"')
    .option('-f, --follow', 'go on with what happens; with --json one document per line')
    .option('--since <time>', 'only the last 10m, 2h …')
    .option('--node <node>', 'only about this node; * stands for any text')
    .option('--shard <shards>', 'only about these shards, such as 0-3,7')
    .option('--level <level>', 'debug, info, warn or error; trouble: warn and error')
    .option('--name <name>', 'only of this kind, such as migration*')
    .option('--operation <id>', 'only of this operation');
  command.action(async (words: readonly string[], options: Options) => {
    const after = options.after === undefined ? null : eventId(options.after);
    const query = narrowed(queryOf(words, options), options);
    const terminal = terminalOf();
    const isAskedFor = (entry: HistoryEntry): boolean =>
      query === '' || matcherFor(query, eventQuery(systemClock().wallClock()))(entry);
    // What is wrong with the query is told at once.
    matcherFor(query, eventQuery(0));
    if (options.follow === true) {
      const exact = formOf(options) === 'json';
      const targets = resolveTargets(options, process.env);
      const show = (entry: HistoryEntry): void => {
        if (isAskedFor(entry)) process.stdout.write(`${exact ? printableJson(entry) : lineOf(entry, terminal)}\n`);
      };
      await follow(async () => createClient(await leaderAmong(targets), { exact }), after ?? 0, show);
      return;
    }
    await runCommand(options, async (client) => {
      const all = after === null ? await lastEntries(client, query !== '') : await allAfter(client, after);
      const entries = all.filter(isAskedFor);
      return { document: entries, text: () => entries.map((entry) => lineOf(entry, terminal)).join('\n') };
    });
  });
}

/** The options as terms of the query. */
function narrowed(query: string, { since, node, shard, level, name, operation }: Narrowing): string {
  const terms = { node, shard, level, name, operation };
  return [
    query,
    ...Object.entries(terms).flatMap(([field, value]) => (value === undefined ? [] : [`${field}:${quoted(value)}`])),
    ...(since === undefined ? [] : [`age<=${since}`]),
  ]
    .filter((term) => term !== '')
    .join(' ');
}

function quoted(value: string): string {
  return /\s/.test(value) ? `"${value}"` : value;
}

/** @param far most of them are left out, so it looks further back. */
export function lastEntries(client: Client, far: boolean): Promise<readonly HistoryEntry[]> {
  return client.ask('events', far ? { limit: String(LOOKED_AT) } : {});
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
async function follow(
  leader: () => Promise<Client>,
  after: number,
  show: (entry: HistoryEntry) => void,
): Promise<never> {
  let last = after;
  const onEntry = (entry: HistoryEntry): void => {
    last = entry.id;
    show(entry);
  };
  await (await leader()).follow(last, onEntry);
  process.stderr.write('The orchestrator hung up; waiting for it to come back …\n');
  for (;;) {
    await delay(systemClock(), RECONNECT_MS);
    try {
      await (await leader()).follow(last, onEntry);
    } catch (error) {
      // Still away, or about to begin: that is what we wait for. Anything else it says (a wrong token) ends the wait.
      if (!(error instanceof CliError)) throw error;
      if (error.code !== 'DSO_CLI_UNREACHABLE' && error.status !== 503) throw error;
    }
  }
}

function lineOf({ id, at, level, text, by }: HistoryEntry, terminal: Terminal): string {
  const who = by === 'automatic' ? '' : ` [${by}]`;
  const tone = level === 'error' ? 'bad' : level === 'warn' ? 'warning' : level === 'debug' ? 'faint' : null;
  return `${String(id).padStart(5)}  ${new Date(at).toISOString()}  ${painted(level.padEnd(5), tone, terminal)}  ${printable(text)}${printable(who)}`;
}
