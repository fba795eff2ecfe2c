/** A page that names a file, or a heading of one, must go along when the file moves. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((page) => page !== '' && !page.includes('fixtures/'));

test.each(pages)('every file and heading that %s links to is there', (page) => {
  const file = resolve(root, page);
  const links = [...proseOf(file).matchAll(/\]\((?![a-z]+:)([^()#]*)(?:#([^()]*))?\)/g)];
  const broken = links.filter(([, path = '', anchor]) => {
    const target = path === '' ? file : resolve(dirname(file), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

function proseOf(file: string): string {
  return readFileSync(file, 'utf8').replaceAll(/^```[^]*?^```/gm, '');
}

/** As GitHub makes them of headings, and those that a page names itself. */
function anchorsOf(file: string): string[] {
  const named = [...proseOf(file).matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id = '']) => id);
  return [...named, ...anchorsOfHeadings(file)];
}

function anchorsOfHeadings(file: string): string[] {
  return [...proseOf(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}
