/** The documents list what the code has. After a change: `npx vitest run packages/gateway-emulator/test/docs -u`. */
import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import { describe, expect, test } from 'vitest';
import { Admin } from '../../src/admin/admin.js';
import { handledRequest, requestTable, timingFields } from '../../src/admin/request-table.js';
import { isSchedulable } from '../../src/admin/request.js';
import { optionTable } from '../../src/option-table.js';

const readmePath = new URL('../../README.md', import.meta.url);

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** As the repository's formatter leaves it, so that both agree. */
function formatted(markdown: string): Promise<string> {
  return format(markdown, { parser: 'markdown', singleQuote: true, printWidth: 120 });
}

function optionsTable(): string {
  const rows = Object.entries(optionTable).map(([name, spec]) => {
    const choices = spec.kind === 'choice' ? ` (${spec.choices.map((choice) => `\`${choice}\``).join(', ')})` : '';
    return [`\`${name}\``, spec.defaultSaid ?? `\`${spec.default}\``, spec.what + choices, spec.source ?? 'ours'];
  });
  return table(['option', 'default', 'what it is', 'where the default comes from'], rows);
}

const pageHead = `# Admin interface of the gateway emulator

<!-- Made from packages/gateway-emulator/src/admin: \`npx vitest run packages/gateway-emulator/test/docs -u\` -->

\`@dshard/gateway-emulator\` serves it at the address of its gateway, \`http://127.0.0.1:<port>\`. Bodies are JSON objects, or empty; unknown fields are
refused. Answers are JSON. What hits sessions answers \`{ "affected": n }\`.

A request that is refused is answered with 400 and \`{ "message", "code" }\`, where the message names the field; a path that is not there
with 404, another method with 405, a body beyond 32 MiB with 413, a request that a web page of another origin makes with 403.

\`\`\`sh skip=emulator
curl -X POST localhost:7480/emulator/reconnect -d '{"shards":"0-3"}'
curl -X POST localhost:7480/emulator/drop -d '{"shards":"0-3","inMs":5000,"everyMs":30000}'
curl localhost:7480/ledger/report
\`\`\`
`;

function requestsPage(): string {
  const rows = Object.entries(requestTable).map(([name, request]) => {
    const { what, query = {}, fields } = request;
    const body = Object.entries({ ...query, ...fields }).map(([field, meaning]) => `\`${field}\`: ${meaning}`);
    return [`\`${name}\``, what, body.join('<br>'), isSchedulable(name, request) ? 'yes' : ''];
  });
  const handled = [`\`${handledRequest}\``, 'takes a report of what user code handled', 'see the README', ''];
  const timing = Object.entries(timingFields).map(([name, meaning]) => [`\`${name}\``, meaning]);
  return [
    pageHead,
    '## Requests',
    table(['request', 'what it does', 'body (of a GET: query)', 'can happen later'], [...rows, handled]),
    '## Later, and again',
    'What can happen later takes these fields too. The answer is then 202 with the entry of the schedule; `GET /emulator/schedule` lists it until it is done or cancelled. Times are those of the emulator’s clock.',
    table(['field', 'meaning'], timing),
  ].join('\n\n');
}

/** Puts `content` between `<!-- name -->` and `<!-- /name -->`. */
function put(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, after] = [page.indexOf(begin), page.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`README.md has no place for ${name}.`);
  return `${page.slice(0, before)}${begin}\n\n${content}\n\n${page.slice(after)}`;
}

function fileBlock(name: string, language: string): string {
  const code = readFileSync(new URL(name, import.meta.url), 'utf8');
  return `\`\`\`${language}\n${code}\`\`\``;
}

describe('the documents', () => {
  test('README.md lists every option with its default and its source, and shows the quick starts that are run here', async () => {
    let page = readFileSync(readmePath, 'utf8');
    page = put(page, 'vitest', fileBlock('quick-start.test.ts', 'ts'));
    page = put(page, 'node:test', fileBlock('quick-start.node-test.js', 'js'));
    page = put(page, 'options', optionsTable());
    await expect(await formatted(page)).toMatchFileSnapshot('../../README.md');
  });

  test('README.md explains every violation and every fault', () => {
    const readme = readFileSync(readmePath, 'utf8');
    const records = readFileSync(new URL('../../src/core/records.ts', import.meta.url), 'utf8');
    const kinds = [...records.matchAll(/^  \| '([a-z-]+)'/gm)].map(([, kind]) => kind);
    expect(kinds.length).toBeGreaterThan(10);
    for (const kind of kinds) expect(readme).toContain(`| \`${kind}\``);
    const faults = Object.getOwnPropertyNames(Admin.prototype).filter(
      (name) => !['constructor', 'close'].includes(name),
    );
    for (const name of faults) expect(readme).toContain(`\`${name}(`);
  });

  test('docs/reference/gateway-emulator-http.md lists every request', async () => {
    await expect(await formatted(requestsPage())).toMatchFileSnapshot(
      '../../../../docs/reference/gateway-emulator-http.md',
    );
  });
});
