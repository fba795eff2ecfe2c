/**
 * The last part of `npm run build`: the dashboard's page becomes one script and one style sheet in the orchestrator's
 * package, under names that say what is in them, so that browsers may keep them for ever. Everything that the page
 * needs is in there; nothing is fetched from elsewhere, at build time or later.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONTRACT, ENDPOINT_NAMES, OPERATION_KINDS, KINDS_OF_OPERATIONS } from '@dshard/api';
import { rolldown } from 'rolldown';

const PAGE = new URL('../packages/dashboard/', import.meta.url);
const OUT = new URL('../packages/orchestrator/dist/dashboard/', import.meta.url);

/** Of the contract the page needs what is asked where, by whom, and how it is typed; not the words of help. */
const CONTRACT_MODULES = [
  {
    path: '/api/src/contract/contract.ts',
    code: moduleOf({
      CONTRACT: tableOf(CONTRACT, ({ method, path, role, ancestor, command }) => ({
        method,
        path,
        role,
        ancestor,
        command: command && typed(command),
      })),
      ENDPOINT_NAMES,
    }),
  },
  {
    path: '/api/src/operations.ts',
    code: moduleOf({
      OPERATION_KINDS: tableOf(OPERATION_KINDS, ({ commands }) => ({ commands: commands.slice(0, 1).map(typed) })),
      KINDS_OF_OPERATIONS,
    }),
  },
];

const fromPage = createRequire(new URL('package.json', PAGE));
const script = await bundle();
const style = sheet();
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const names = {
  script: write('app', 'js', script),
  style: write('app', 'css', style),
  icon: write('icon', 'svg', read('src/icon.svg')),
};
writeFileSync(
  new URL('index.html', OUT),
  read('src/index.html').replaceAll(/%(script|style|icon)%/g, (_, what) => `/dashboard/${names[what]}`),
);

function tableOf(table, shortened) {
  return Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, shortened(entry)]));
}

function typed({ name, alias, under, arguments: named }) {
  return { name, alias, under, arguments: named };
}

function moduleOf(constants) {
  return Object.entries(constants)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
    .join('\n');
}

async function bundle() {
  const build = await rolldown({
    input: fileURLToPath(new URL('src/page/main.tsx', PAGE)),
    platform: 'browser',
    tsconfig: false,
    resolve: {
      // From the sources: what the page does not use of a package stays out.
      conditionNames: ['@dshard/source', 'import', 'browser', 'default'],
      alias: {
        // Whatever else in the repository has another one: the page and its signals share one.
        preact: dirname(fromPage.resolve('preact/package.json')),
        'node:util': fileURLToPath(new URL('src/page/node-util.ts', PAGE)),
      },
      extensionAlias: { '.js': ['.ts', '.tsx', '.js'] },
    },
    plugins: [
      {
        name: 'contract-without-words',
        load: (id) => CONTRACT_MODULES.find(({ path }) => id.endsWith(path))?.code ?? null,
      },
    ],
    external: (id) => id.startsWith('node:') && id !== 'node:util',
    treeshake: {
      moduleSideEffects: [
        { test: /packages\/dashboard\/src\/page\/main/, sideEffects: true },
        { test: /@preact\/signals/, sideEffects: true },
        { test: /.*/, sideEffects: false },
      ],
    },
    transform: { jsx: { runtime: 'automatic', importSource: 'preact' }, target: 'es2023' },
    onwarn(warning) {
      throw new Error(warning.message);
    },
  });
  const { output } = await build.generate({ format: 'es', minify: true, sourcemap: false, comments: false });
  await build.close();
  const [chunk, ...others] = output;
  if (others.length > 0) throw new Error(`The page is to be one script, and is ${output.length}.`);
  if (chunk.imports.length > 0) throw new Error(`The page imports ${chunk.imports.join(', ')}, which no browser has.`);
  return `${licences()}${chunk.code}`;
}

/** Both are under the same licence as we are. */
function licences() {
  const { preact, '@preact/signals': signals } = JSON.parse(read('package.json')).dependencies;
  return `/*! dshardorchestrator dashboard (MIT), with preact ${preact} (MIT), @preact/signals ${signals} (MIT) */\n`;
}

function sheet() {
  const files = readdirSync(new URL('src/style/', PAGE)).sort();
  const own = files.map((file) => read(`src/style/${file}`));
  return own
    .join('\n')
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{};,]) ?/g, '$1');
}

function read(path) {
  return readFileSync(new URL(path, PAGE), 'utf8');
}

function write(name, ending, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
  const file = `${name}.${hash}.${ending}`;
  writeFileSync(new URL(file, OUT), content);
  return file;
}
