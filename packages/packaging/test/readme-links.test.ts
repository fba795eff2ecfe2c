import { expect, test } from 'vitest';
import type { LinkPlaces } from '../src/readme-links.js';
import { linkFaults, withWholeLinks } from '../src/readme-links.js';

const REPOSITORY: Record<string, string> = {
  'docs/a.md': '# A page\n\n## What it `does`, and why\n',
  docs: '',
};

const places: LinkPlaces = {
  page: 'https://host/owner/name',
  directory: 'packages/x',
  shipped: (path) => path === 'src/options.ts',
  inRepository: (path) => REPOSITORY[path],
};

test.each([
  ['a file of the tarball', '[options](src/options.ts)'],
  ['a heading of the page', '# Two words\n\n[two](#two-words)'],
  ['a page of the repository', '[a](https://host/owner/name/blob/main/docs/a.md)'],
  ['a heading there', '[a](https://host/owner/name/blob/main/docs/a.md#what-it-does-and-why)'],
  ['a folder there', '[docs](https://host/owner/name/tree/main/docs)'],
  ['another site', '[elsewhere](https://elsewhere/page)'],
  ['nothing, in code', '```js\nconst a = [b](c.md);\n```'],
])('a link is right that leads to %s', (_, markdown) => {
  expect(linkFaults(markdown, places)).toEqual([]);
});

test.each([
  ['to a file that the repository only has', '[a](../../docs/a.md)', 'which is not in the tarball'],
  ['to a page that is no more', '[b](https://host/owner/name/blob/main/docs/b.md)', 'which is not in the repository'],
  ['to a heading that is no more', '[a](https://host/owner/name/blob/main/docs/a.md#gone)', 'no heading there'],
  ['to a heading that the page does not have', '# One\n\n[two](#two)', 'no heading there'],
])('a link is named as a fault when it leads %s', (_, markdown, sentence) => {
  expect(linkFaults(markdown, places).join()).toContain(sentence);
});

test('links that work in the repository only become whole addresses, all others stay', () => {
  const markdown = '[a](../../docs/a.md#x) [docs](../../docs) [o](src/options.ts) [y](#y) [z](https://z)';
  expect(withWholeLinks(markdown, places)).toBe(
    '[a](https://host/owner/name/blob/main/docs/a.md#x) [docs](https://host/owner/name/tree/main/docs) ' +
      '[o](src/options.ts) [y](#y) [z](https://z)',
  );
});
