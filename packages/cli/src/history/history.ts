/** `dso history`: the life of one node, shard, operation or migration, or what happened lately. */
import { eventQuery, type HistoryEntry } from '@dshard/api';
import { parseWholeNumber } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import type { Command } from 'commander';
import type { Client } from '../client.js';
import type { ConnectionOptions } from '../connection-options.js';
import { CliError } from '../errors.js';
import { matcherFor } from '../get/get.js';
import { terminalOf } from '../output/terminal.js';
import { runCommand, withCommonHelp, type Output } from '../run-command.js';
import { lastEntries } from './events.js';
import { lifeLines } from './life.js';

export const THINGS = ['node', 'shard', 'operation', 'migration'] as const;
export type Thing = (typeof THINGS)[number];

const EXAMPLES = { node: 'web-1', shard: '3', operation: 'r12', migration: 'm7' } as const;
const SHOWN_LATELY = 40;

export function addHistory(program: Command): void {
  const history = program
    .command('history')
    .description('show the life of one node, shard, operation or migration; alone, what happened lately');
  withCommonHelp(history, [
    'dso history',
    'dso history shard 3',
    'dso history node web-1',
    'dso history operation r12',
  ]);
  history.action(() =>
    runCommand(history.optsWithGlobals<ConnectionOptions>(), async (client) => {
      const entries = (await lastEntries(client, false)).filter(({ level }) => level !== 'debug').slice(-SHOWN_LATELY);
      return shown(entries, 'Nothing has happened yet.');
    }),
  );
  for (const thing of THINGS) {
    const command = history.command(`${thing} <id>`).description(`what happened to one ${thing}, oldest first`);
    withCommonHelp(command, [`dso history ${thing} ${EXAMPLES[thing]}`]);
    command.action((id: string) =>
      runCommand(command.optsWithGlobals<ConnectionOptions>(), async (client) =>
        shown(await entriesAbout(client, thing, id), `The history has nothing about ${thing} ${id}.`),
      ),
    );
  }
}

/** Oldest first, of the latest ones. */
export async function entriesAbout(client: Client, thing: Thing, id: string): Promise<readonly HistoryEntry[]> {
  if (thing === 'shard' && parseWholeNumber(id) === undefined) {
    throw new CliError('DSO_CLI_USAGE', `"${id}" is no shard: write its number, such as 3.`);
  }
  const query = `${thing}:"${id.replaceAll('"', '')}"`;
  const isAboutIt = matcherFor(thing === 'shard' ? `shard:${id}` : query, eventQuery(0));
  return (await lastEntries(client, true)).filter(isAboutIt);
}

function shown(entries: readonly HistoryEntry[], none: string): Output {
  const now = systemClock().wallClock();
  return {
    document: entries,
    text: () => (entries.length === 0 ? none : lifeLines(entries, now, terminalOf()).join('\n')),
  };
}
