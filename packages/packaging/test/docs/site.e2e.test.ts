/** The site builds from the pages as they are; vitepress itself ends with an error for a link that leads nowhere. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/index.js';

const root = resolve(import.meta.dirname, '../../../..');
const built = resolve(root, 'docs/.vitepress/dist');

test('the site builds, with a page for each entrance, and links to the repository where a page is not part of the site', async () => {
  const { code, stdout, stderr } = await run('npm', ['run', '--silent', 'docs:site'], { cwd: root });
  expect([code, code === 0 ? '' : `${stdout}${stderr}`]).toEqual([0, '']);
  for (const page of ['index', 'tutorial/index', 'guide/index', 'guide/troubleshooting', 'reference/config']) {
    expect(existsSync(resolve(built, `${page}.html`)), page).toBe(true);
  }
  const guides = readFileSync(resolve(built, 'guide/index.html'), 'utf8');
  expect(guides).toContain(
    'https://github.com/dshardorchestrator/dshardorchestrator/blob/main/packages/node/README.md',
  );
  expect(guides).not.toContain('href="../../packages');
}, 300_000);
