/** `dso get <noun> [query]`: the lists of the orchestrator, each made from its entry of the contract. */
import {
  matcherOf,
  parseQuery,
  RESOURCE_NAMES,
  RESOURCES,
  type QueryFields,
  type Resource,
  type ResourceDocument,
  type ResourceName,
  type ResourceRow,
} from '@dshard/api';
import { systemClock } from '@dshard/transport';
import type { Command } from 'commander';
import { askForAllPages } from '../all-pages.js';
import type { Client } from '../client.js';
import type { ConnectionOptions } from '../connection-options.js';
import { CliError } from '../errors.js';
import { formOf, LIST_FORMS } from '../output/form.js';
import { tableOf } from '../output/table.js';
import { terminalOf } from '../output/terminal.js';
import { runCommand, withCommonHelp, type Output } from '../run-command.js';
import { VIEWS, type View } from './views.js';

export type GetOptions = ConnectionOptions & { query?: string };

export function addGet(program: Command): void {
  const get = program.command('get').description('list nodes, shards, operations and more; the same query for each');
  withCommonHelp(
    get,
    ['dso get nodes', 'dso get shards state:notUp', 'dso get operations state:running -o json'],
    LIST_FORMS,
  );
  for (const name of RESOURCE_NAMES) addList(get, name);
}

function addList(get: Command, name: ResourceName): void {
  const { singular, help, query, examples } = RESOURCES[name];
  const fields = Object.entries(query.fields).map(([field, { about }]) => `  ${field.padEnd(12)} ${about}`);
  const command = get
    .command(`${name} [query...]`)
    .alias(singular)
    .description(help)
    .option('--query <query>', 'the same as behind the name, also for terms that begin with "-"')
    .addHelpText('after', `\nA query has these fields (a word alone is about ${query.named}):\n${fields.join('\n')}`);
  withCommonHelp(
    command,
    examples.map((example) => `dso get ${name} ${example}`.trimEnd()),
    LIST_FORMS,
  );
  command.action((words: readonly string[]) => {
    const options = command.optsWithGlobals<GetOptions>();
    return runCommand(options, (client) => listed(client, name, queryOf(words, options), options));
  });
}

/** One query of what stands behind the name and of `--query`. */
export function queryOf(words: readonly string[], { query }: Pick<GetOptions, 'query'>): string {
  return [...words, ...(query === undefined ? [] : [query])].join(' ');
}

/** The name stands for the types of its document and its rows. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it ties the row to its columns.
async function listed<Name extends ResourceName>(
  client: Client,
  name: Name,
  query: string,
  options: ConnectionOptions,
): Promise<Output> {
  const resource: Resource<ResourceRow<Name>> = RESOURCES[name];
  // A query that cannot be understood is told before anybody is asked.
  const isAskedFor = matcherFor(query, resource.query);
  const document = await documentOf<Name>(client, resource, query);
  const rows = rowsIn<Name>(document, resource.rows);
  const shown = resource.isAsked ? rows : rows.filter(isAskedFor);
  return {
    document: resource.rows === null ? shown : { ...(document as object), [resource.rows]: shown },
    text: () => textOf(VIEWS[name], document, shown, formOf(options)),
  };
}

export function matcherFor<Row>(query: string, fields: QueryFields<Row>): (row: Row) => boolean {
  const parsed = parseQuery(query, fields);
  if (!parsed.ok) throw new CliError('DSO_CLI_USAGE', parsed.problem);
  return matcherOf(parsed.query, fields);
}

async function documentOf<Name extends ResourceName>(
  client: Client,
  { endpoint, rows, isAsked }: Resource<ResourceRow<Name>>,
  query: string,
): Promise<ResourceDocument<Name>> {
  const parameters = isAsked && query !== '' ? { query } : {};
  const asked =
    isAsked && rows !== null
      ? askForAllPages(client, { name: endpoint, rows }, parameters)
      : client.ask(endpoint, parameters);
  // Which document an endpoint answers is in the contract, under the same name.
  return (await asked) as ResourceDocument<Name>;
}

function rowsIn<Name extends ResourceName>(
  document: ResourceDocument<Name>,
  field: string | null,
): readonly ResourceRow<Name>[] {
  const found: unknown = field === null ? document : new Map(Object.entries<unknown>(document)).get(field);
  if (!Array.isArray(found)) throw new TypeError(`The answer has no ${field ?? 'rows'}.`);
  return found as readonly ResourceRow<Name>[];
}

function textOf<Name extends ResourceName>(
  { columns, nameOf, above }: View<Name>,
  document: ResourceDocument<Name>,
  rows: readonly ResourceRow<Name>[],
  form: ReturnType<typeof formOf>,
): string {
  if (form === 'name') return rows.map(nameOf).join('\n');
  const now = 'now' in document && typeof document.now === 'number' ? document.now : systemClock().wallClock();
  const head = above?.(document, now) ?? [];
  if (rows.length === 0) return [...head, 'There is none.'].join('\n');
  const shown = columns(now, document).filter(({ isWide }) => isWide !== true || form === 'wide');
  return [...head, ...tableOf(shown, rows, terminalOf())].join('\n');
}
