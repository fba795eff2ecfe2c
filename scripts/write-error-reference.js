/**
 * Writes docs/reference/errors.md from the packages' own tables of errors. `--check` fails when the page is not what the code
 * says. Needs a build. (docs/reference/config.md is kept by a test of its own: packages/orchestrator/test/config/reference.)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { DOMAIN_ERRORS, ORCHESTRATOR_ERRORS } from '@dshard/orchestrator';
import { EMULATOR_ERRORS } from '@dshard/gateway-emulator';
import { NODE_ERRORS } from '@dshard/node';
import { PROTOCOL_ERRORS } from '@dshard/protocol';
import { TRANSPORT_ERRORS } from '@dshard/transport';

const NOTE = '<!-- Made from the code by `npm run docs`. Edit the tables there, not this page. -->';

const ERROR_TABLES = {
  '@dshard/protocol': PROTOCOL_ERRORS,
  '@dshard/transport': TRANSPORT_ERRORS,
  '@dshard/node': NODE_ERRORS,
  '@dshard/orchestrator, what operators and nodes are answered': DOMAIN_ERRORS,
  '@dshard/orchestrator, running it': ORCHESTRATOR_ERRORS,
  '@dshard/gateway-emulator': EMULATOR_ERRORS,
};

function errorsPage() {
  const parts = Object.entries(ERROR_TABLES).map(([title, table]) => {
    const rows = Object.entries(table).map(
      ([code, entry]) =>
        `| \`${code}\` | ${cell(entry.meaning)} | ${cell(entry.remedy)} | ${entry.retryable ? 'yes' : 'no'} |`,
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

function cell(text) {
  return String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const check = process.argv.includes('--check');
const file = new URL('../docs/reference/errors.md', import.meta.url);
const page = await format(errorsPage(), { parser: 'markdown', singleQuote: true, printWidth: 120 });
if (!check) writeFileSync(file, page);
else if (readFileSync(file, 'utf8') !== page) {
  console.error('docs/reference/errors.md is not what the code says. Run `npm run docs` and commit it.');
  process.exitCode = 1;
}
