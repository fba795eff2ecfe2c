/**
 * Writes docs/reference/errors.md from the packages' own tables of errors, the tables of endpoints in
 * docs/reference/rest.md from the contract, those of conditions and alarms in docs/reference/health.md, and that of
 * metrics in docs/reference/metrics.md. `--check` fails when a page is not what the code says. Needs a build.
 * (docs/reference/config.md is kept by a test of its own: packages/api/test/config/reference.)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { API_ERRORS, CONTRACT, NODE_QUERY, openApiDocument, OPERATION_KINDS, SHARD_QUERY } from '@dshard/api';
import { CLIENT_ERRORS } from '@dshard/client';
import { ALARMS, CONDITIONS, DOMAIN_ERRORS, METRICS, ORCHESTRATOR_ERRORS, REST_ERRORS } from '@dshard/orchestrator';
import { EMULATOR_ERRORS } from '@dshard/gateway-emulator';
import { NODE_ERRORS } from '@dshard/node';
import { PROTOCOL_ERRORS } from '@dshard/protocol';
import { TRANSPORT_ERRORS } from '@dshard/transport';
import { CLI_ERRORS, EXIT_CODES } from '../packages/cli/dist/errors.js';
import { createProgram } from '../packages/cli/dist/program.js';

const NOTE = '<!-- Made from the code by `npm run docs`. Edit the tables there, not this page. -->';

const ERROR_TABLES = {
  '@dshard/protocol': PROTOCOL_ERRORS,
  '@dshard/transport': TRANSPORT_ERRORS,
  '@dshard/api, reading a configuration': API_ERRORS,
  '@dshard/client': CLIENT_ERRORS,
  '@dshard/node': NODE_ERRORS,
  '@dshard/orchestrator, what operators and nodes are answered': DOMAIN_ERRORS,
  '@dshard/orchestrator, the REST interface': REST_ERRORS,
  '@dshard/orchestrator, running it': ORCHESTRATOR_ERRORS,
  '@dshard/gateway-emulator': EMULATOR_ERRORS,
};

function errorsPage() {
  const parts = Object.entries(ERROR_TABLES).map(([title, table]) => {
    const rows = Object.entries(table).map(
      ([code, entry]) =>
        `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${cell(entry.meaning)} | ${cell(entry.remedy)} | ${entry.retryable ? 'yes' : 'no'} |`,
    );
    return [
      `## ${title}`,
      '',
      '| code | what it means | what to do | may help to try again |',
      '| --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return [
    '# Errors',
    NOTE,
    'Codes are stable. A message names the thing it is about; the code says what kind of fault it is.',
    ...parts,
  ].join('\n\n');
}

const MADE = /<!-- made from the contract: (\w+) -->[^]*?<!-- end -->/g;

/** The page as it is, with its tables as the contract says. */
function restPage(page) {
  const endpoints = Object.values(CONTRACT);
  return page.replaceAll(MADE, (_, whose) => {
    if (whose === 'operations') return operationKinds();
    if (whose === 'query') return queryFields();
    const rows = endpoints.filter(({ ancestor = false }) => ancestor === (whose === 'ancestor')).map(endpointRow);
    const head = ['| request | role | parameters | what it does | `dso` |', '| --- | --- | --- | --- | --- |'];
    return [`<!-- made from the contract: ${whose} -->`, '', ...head, ...rows, '', '<!-- end -->'].join('\n');
  });
}

function queryFields() {
  const row = (list, [name, { kind, about }]) => `| ${list} | \`${name}\` | ${kind} | ${cell(about)} |`;
  const rows = [
    ...Object.entries(SHARD_QUERY.fields).map((entry) => row('shards', entry)),
    ...Object.entries(NODE_QUERY.fields).map((entry) => row('nodes', entry)),
  ];
  const head = ['| list | field | kind | what it is |', '| --- | --- | --- | --- |'];
  return ['<!-- made from the contract: query -->', '', ...head, ...rows, '', '<!-- end -->'].join('\n');
}

function operationKinds() {
  const rows = Object.entries(OPERATION_KINDS).map(([kind, { parameters, about, commands }]) => {
    return `| \`${kind}\` | ${taken(parameters)} | ${cell(about)} | ${commands.flatMap(namesOf).join(', ')} |`;
  });
  const head = ['| `kind` | parameters | what it does | `dso` |', '| --- | --- | --- | --- |'];
  return ['<!-- made from the contract: operations -->', '', ...head, ...rows, '', '<!-- end -->'].join('\n');
}

function endpointRow({ method, path, role, parameters, about, command }) {
  const commands = command === null ? [] : namesOf(command);
  return `| \`${method} ${path}\` | ${role} | ${taken(parameters)} | ${cell(about)} | ${commands.join(', ')} |`;
}

function taken(parameters) {
  const names = Object.entries(parameters).map(
    ([name, { fallback }]) => `\`${name}\`${fallback === undefined ? '' : '?'}`,
  );
  return names.join(', ');
}

function namesOf({ name, alias, under, alsoUnder }) {
  const names = [under === undefined ? name : `${under} ${name}`];
  if (alias !== undefined) names.push(alias);
  if (alsoUnder !== undefined) names.push(`${alsoUnder} ${name}`);
  return names.map((each) => `\`${each}\``);
}

function cell(text) {
  return String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const MADE_OF_TABLES = /<!-- made from the code: (\w+) -->[^]*?<!-- end -->/g;

function healthPage(page) {
  return page.replaceAll(MADE_OF_TABLES, (_, whose) => {
    const rows = whose === 'conditions' ? conditionRows() : alarmRows();
    return [`<!-- made from the code: ${whose} -->`, '', ...rows, '', '<!-- end -->'].join('\n');
  });
}

function conditionRows() {
  const rows = Object.entries(CONDITIONS).map(([kind, meaning]) => `| \`${kind}\` | ${cell(meaning)} |`);
  return ['| condition | what it means |', '| --- | --- |', ...rows];
}

function alarmRows() {
  const rows = Object.entries(ALARMS).map(([kind, { level, meaning, remedy, riseMs, fallMs }]) => {
    const times = `${span(riseMs)} / ${span(fallMs)}`;
    return `| [\`${kind}\`](../guide/troubleshooting.md#${kind}) | ${level} | ${cell(meaning)} | ${cell(remedy)} | ${times} |`;
  });
  return [
    '| alarm | level | what is wrong | what to do | rises / falls after |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ];
}

function span(ms) {
  return ms === 0 ? 'at once' : ms < 60_000 ? `${ms / 1_000} s` : `${ms / 60_000} min`;
}

function metricsPage(page) {
  return page.replaceAll(MADE_OF_TABLES, (_, whose) => {
    const rows = Object.entries(METRICS).map(([name, { kind, labels, help, ...from }]) => {
      const source =
        'read' in from
          ? 'read'
          : Object.keys(from.on)
              .map((cause) => `\`${cause}\``)
              .join(', ');
      const unit = kind === 'histogram' ? `${kind}: ${from.bounds.join(', ')}` : kind;
      const named = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${unit} | ${named} | ${cell(help)} | ${cell(source)} |`;
    });
    const head = ['| metric | kind | labels | what it tells | from |', '| --- | --- | --- | --- | --- |'];
    return [`<!-- made from the code: ${whose} -->`, '', ...head, ...rows, '', '<!-- end -->'].join('\n');
  });
}

const HELP_COLUMNS = 110;

/** What `dso help` says of each command, as the program itself has it. */
function cliPage() {
  const exitCodes = Object.entries(EXIT_CODES).map(([code, meaning]) => `| ${code} | ${cell(meaning)} |`);
  const errors = Object.entries(CLI_ERRORS).map(
    ([code, { exitCode, meaning, remedy }]) => `| \`${code}\` | ${exitCode} | ${cell(meaning)} | ${cell(remedy)} |`,
  );
  const program = createProgram();
  return [
    '# dso, the command line',
    NOTE,
    'Commands that ask an orchestrator take `--address`, `--token` and `--ca`, and `-o json` (`--json`) for programs. With it there is one JSON document on stdout, also on failure: `{ "Message", "Error", "Code" }`.',
    '## Exit codes',
    ['| exit code | meaning |', '| --- | --- |', ...exitCodes].join('\n'),
    ['| code of the failure | exit code | what it means | what to do |', '| --- | --- | --- | --- |', ...errors].join(
      '\n',
    ),
    '## Commands',
    program.commands
      .map((command) => `- [\`dso ${command.name()}\`](#dso-${command.name()}): ${command.description()}`)
      .join('\n'),
    ...program.commands.flatMap((command) => commandParts(command, `dso ${command.name()}`, 2)),
  ].join('\n\n');
}

function commandParts(command, path, depth) {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => HELP_COLUMNS });
  command.outputHelp();
  // The same for all; said once above.
  const common = /^ {2}(--address|--token|--ca) <[^]*?(?=^ {2}-|^$)/gm;
  const text = help
    .replaceAll(common, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd();
  return [
    `${'#'.repeat(Math.min(depth, 4))} ${path}`,
    `\`\`\`text\n${text}\n\`\`\``,
    ...command.commands.flatMap((each) => commandParts(each, `${path} ${each.name()}`, depth + 1)),
  ];
}

const PAGES = {
  'docs/reference/cli.md': cliPage,
  'docs/reference/errors.md': errorsPage,
  'docs/reference/rest.md': restPage,
  'docs/reference/health.md': healthPage,
  'docs/reference/metrics.md': metricsPage,
  'docs/reference/openapi.json': () => JSON.stringify(openApiDocument(version)),
};

const { version } = JSON.parse(readFileSync(new URL('../packages/orchestrator/package.json', import.meta.url), 'utf8'));
const check = process.argv.includes('--check');
for (const [path, made] of Object.entries(PAGES)) {
  const file = new URL(`../${path}`, import.meta.url);
  const before = readFileSync(file, 'utf8');
  const page = await format(made(before), {
    parser: path.endsWith('.json') ? 'json' : 'markdown',
    singleQuote: true,
    printWidth: 120,
  });
  if (!check) writeFileSync(file, page);
  else if (before !== page) {
    console.error(`${path} is not what the code says. Run \`npm run docs\` and commit it.`);
    process.exitCode = 1;
  }
}
