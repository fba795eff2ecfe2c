/** A page that names a file must go along when the file moves. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((page) => page !== '' && !page.includes('fixtures/'));

test.each(pages)('every file that %s links to is there', (page) => {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/^```[^]*?^```/gm, '');
  const links = [...text.matchAll(/\]\((?![a-z]+:|#)([^()\s#]+)[^()\s]*\)/g)].map((match) => String(match[1]));
  expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
});
