/**
 * Writes the reference pages that are made from the code's own tables: docs/reference/errors.md and config.md.
 * `node scripts/write-reference.js` writes them, `--check` fails when they are not what the code says. Needs a build.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { CONFIG_KEYS, defaultText, DOMAIN_ERRORS, ORCHESTRATOR_ERRORS } from '@dshard/orchestrator';
import { GATEWAY_EMULATOR_ERRORS } from '@dshard/gateway-emulator';
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
  '@dshard/gateway-emulator': GATEWAY_EMULATOR_ERRORS,
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

function configPage() {
  const rows = Object.entries(CONFIG_KEYS).map(([key, entry]) => {
    const variable = entry.variable === null ? '–' : `\`${entry.variable}\``;
    return `| \`${key}\` | ${variable} | ${cell(entry.field.expected)} | ${cell(defaultText(key))} | ${cell(entry.about)} |`;
  });
  return [
    '# Configuration of the orchestrator',
    NOTE,
    'Flags of `dso up` come first, then the environment, then `dso.yaml`, then the default. In the file a dot is a section: `launcher.stopGrace` is `stopGrace` under `launcher`.',
    'Durations are milliseconds, or a number with a unit: `250ms`, `10s`, `2m`.',
    ['| key | environment | takes | default | what it is for |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}

function cell(text) {
  return String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const pages = { 'errors.md': errorsPage(), 'config.md': configPage() };
const check = process.argv.includes('--check');
for (const [name, text] of Object.entries(pages)) {
  const file = new URL(`../docs/reference/${name}`, import.meta.url);
  const page = await format(text, { parser: 'markdown', singleQuote: true, printWidth: 120 });
  if (!check) writeFileSync(file, page);
  else if (readFileSync(file, 'utf8') !== page) {
    console.error(`docs/reference/${name} is not what the code says. Run \`npm run docs\` and commit it.`);
    process.exitCode = 1;
  }
}
