/** `dso store copy`: takes what an orchestrator remembers into another store. Asks no orchestrator. */
import { resolve } from 'node:path';
import type { StoreAddress } from '@dshard/orchestrator';
import { silentLogger } from '@dshard/transport';
import { InvalidArgumentError, type Command } from 'commander';
import { printable } from '@dshard/protocol';
import { examplesHelp } from '../run-command.js';
import { importOrchestrator } from './up.js';

type Options = { from: StoreAddress; to: StoreAddress; schema?: string; json?: boolean };

const STORES = `
A store is sqlite:FILE, or a URL such as postgres://user:password@host/database. postgres: alone is the database of
DSO_STORE_URL, which keeps the password out of the list of processes. Stop the orchestrator first, with kill -HUP: the
nodes run on. A store that is not empty is not copied to. The first store is left as it is.`;

export function addStore(program: Command): void {
  const store = program
    .command('store')
    .description('the store, where an orchestrator keeps what it must not forget')
    .addHelpText('after', examplesHelp(['dso store copy --from sqlite:.dso/state.db --to postgres: --json']));
  store
    .command('copy')
    .description('copy everything from one store to another, as from SQLite to PostgreSQL')
    .requiredOption('--from <store>', 'the store to read', addressOf)
    .requiredOption('--to <store>', 'the store to write, which has to be empty', addressOf)
    .option('--schema <name>', 'the schema in PostgreSQL (store.schema; default: dso)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', STORES)
    .addHelpText(
      'after',
      examplesHelp([
        'dso store copy --from sqlite:.dso/state.db --to postgres:',
        'dso store copy --from sqlite:.dso/state.db --to postgres://dso@db-1,db-2/bots --schema bot_2',
        'dso store copy --from postgres: --to sqlite:copy.db',
      ]),
    )
    .action(copy);
}

async function copy({ from, to, schema, json }: Options): Promise<void> {
  const { copyStore } = await importOrchestrator();
  const inSchema = (store: StoreAddress): StoreAddress =>
    store.kind === 'postgres' && schema !== undefined ? { ...store, schema } : store;
  const copied = await copyStore(inSchema(from), inSchema(to), silentLogger);
  const { records, entries } = copied;
  const text = `Copied ${records} record(s) and ${entries} event(s) from ${copied.from} to ${copied.to}.`;
  process.stdout.write(json === true ? `${JSON.stringify({ ok: true, ...copied })}\n` : `${printable(text)}\n`);
}

function addressOf(written: string): StoreAddress {
  const [, kind, rest = ''] = /^([a-z]+):(.*)$/s.exec(written) ?? [];
  if (kind === 'sqlite' && rest !== '') return { kind, path: resolve(rest) };
  if (kind !== 'postgres' && kind !== 'postgresql')
    throw new InvalidArgumentError('Write sqlite:FILE or postgres://….');
  if (rest !== '') return { kind: 'postgres', url: written };
  const url = process.env['DSO_STORE_URL'];
  if (url === undefined || url === '') throw new InvalidArgumentError('DSO_STORE_URL is not set: which database?');
  return { kind: 'postgres', url };
}
