/** The site, built from the pages as they are in the repository: `npm run docs:site`, `npm run docs:dev`. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type DefaultTheme, type MarkdownOptions } from 'vitepress';

const DOCS = fileURLToPath(new URL('..', import.meta.url));
const ROOT = resolve(DOCS, '..');
const REPOSITORY = 'https://github.com/dshardorchestrator/dshardorchestrator';

/** In the order of the sidebar; a page that is not named follows, by its title. */
const FIRST: Readonly<Record<string, readonly string[]>> = {
  explanation: ['moving-a-shard', 'guarantees', 'comparison', 'performance', 'architecture'],
  reference: ['config', 'cli', 'rest', 'health', 'metrics', 'errors', 'failures'],
};

/** The guides by what their reader is about to do; a guide that is not named here is one for operators. */
const GUIDES: Readonly<Record<string, readonly string[]>> = {
  'Coming from': ['from-sharding-manager', 'from-hybrid-sharding', 'from-kurasuta-and-eris-fleet'],
  'Your bot': [
    'what-your-code-may-rely-on',
    'once-per-fleet',
    'voice-and-games',
    'library-clients',
    'core',
    'discordeno',
    'eris',
    'oceanic',
    'seyfert',
  ],
  'Where it runs': ['systemd', 'docker', 'kubernetes', 'several-hosts', 'high-availability'],
  Operating: ['deploy-safely', 'scaling', 'sizing', 'restarts-and-leaving', 'troubleshooting', 'identify-budget'],
};

function titleOf(file: string): string {
  return /^# (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.replaceAll('`', '') ?? file;
}

function guides(): DefaultTheme.SidebarItem[] {
  const groups = Object.entries(GUIDES).map(([text, names]) => ({ text, names, collapsed: text !== 'Operating' }));
  const named = new Set(groups.filter(({ text }) => text !== 'Operating').flatMap(({ names }) => names));
  const nameOf = ({ link }: { link: string }): string => link.split('/').at(-1) ?? '';
  return groups.toReversed().map(({ text, names, collapsed }) => ({
    text,
    collapsed,
    items: pagesOf('guide', names).filter((page) =>
      text === 'Operating' ? !named.has(nameOf(page)) : names.includes(nameOf(page)),
    ),
  }));
}

function pagesOf(
  folder: string,
  first: readonly string[] = FIRST[folder] ?? [],
): (DefaultTheme.SidebarItem & { link: string })[] {
  const place = (name: string): number => (first.includes(name) ? first.indexOf(name) : first.length);
  return readdirSync(join(DOCS, folder))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => ({ name: name.slice(0, -'.md'.length), text: titleOf(join(DOCS, folder, name)) }))
    .toSorted((a, b) => place(a.name) - place(b.name) || a.text.localeCompare(b.text))
    .map(({ name, text }) => ({ text, link: `/${folder}/${name}` }));
}

/** Links to files beside the documentation lead to the repository; there the pages are read as well. */
const linksOutside: NonNullable<MarkdownOptions['config']> = (markdown) => {
  const open = markdown.renderer.rules['link_open'];
  markdown.renderer.rules['link_open'] = (tokens, index, options, environment: { path: string }, self) => {
    const token = tokens[index];
    const href = token?.attrGet('href') ?? '';
    if (token !== undefined && !/^(?:[a-z]+:|#|\/)/.test(href)) {
      const [path = '', anchor] = href.split('#');
      const target = resolve(dirname(environment.path), decodeURI(path));
      const isFolder = statSync(target).isDirectory();
      if (isFolder || relative(DOCS, target).startsWith('..') || !target.endsWith('.md')) {
        const inside = `${REPOSITORY}/${isFolder ? 'tree' : 'blob'}/main/${relative(ROOT, target)}`;
        token.attrSet('href', `${inside}${anchor === undefined ? '' : `#${anchor}`}`);
      }
    }
    return open?.(tokens, index, options, environment, self) ?? self.renderToken(tokens, index, options);
  };
};

export default defineConfig({
  title: 'dshardorchestrator',
  description: 'Deploy, scale and crash a large Discord bot without anybody noticing.',
  rewrites: { ':folder/README.md': ':folder/index.md' },
  cleanUrls: true,
  lastUpdated: false,
  markdown: { config: linksOutside },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Tutorial', link: '/tutorial/' },
      { text: 'Guides', link: '/guide/' },
      { text: 'Explanation', link: '/explanation/moving-a-shard' },
      { text: 'Reference', link: '/reference/config' },
    ],
    sidebar: [
      { text: 'Start', items: [{ text: 'Tutorial', link: '/tutorial/' }] },
      { text: 'Guides', items: [{ text: 'All guides', link: '/guide/' }, ...guides()] },
      { text: 'Explanation', items: pagesOf('explanation') },
      { text: 'Reference', collapsed: true, items: pagesOf('reference') },
      {
        text: 'Decisions',
        collapsed: true,
        items: [{ text: 'All decisions', link: '/decisions/' }, ...pagesOf('decisions')],
      },
    ],
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    outline: [2, 3],
    footer: { message: 'MIT licensed.' },
  },
});
