import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { runDso } from '../dso.js';

function folder(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'dso-init-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

const manifest = (fields: object): string => JSON.stringify({ name: 'bot', version: '1.0.0', ...fields });
const PLAIN = { dependencies: { 'discord.js': '14.28.1', '@dshard/node': '0.1.0' } };

async function init(cwd: string, ...args: string[]) {
  const { code, stdout, stderr } = await runDso(['init', '-o', 'json', ...args], { cwd });
  const document = code === 0 ? JSON.parse(stdout) : null;
  return { code, stderr, document, read: (name: string) => readFileSync(join(cwd, name), 'utf8') };
}

describe('dso init finds', () => {
  test.each([
    [
      'the file that is started',
      { 'package.json': manifest({ scripts: { start: 'node app/run.mjs' } }), 'app/run.mjs': '' },
      { bot: 'app/run.mjs' },
    ],
    [
      'the main file',
      { 'package.json': manifest({ main: './lib/x.js' }), 'lib/x.js': '', 'bot.js': '' },
      { bot: 'lib/x.js' },
    ],
    ['a file with a usual name', { 'src/index.js': '' }, { bot: 'src/index.js' }],
    [
      'what a build will make',
      { 'package.json': manifest({ main: 'dist/index.js', scripts: { build: 'tsc' } }), 'tsconfig.json': '{}' },
      { bot: 'dist/index.js' },
    ],
    [
      'TypeScript that tsx runs',
      { 'package.json': manifest({ devDependencies: { tsx: '4' } }), 'src/bot.ts': '' },
      { command: 'node --import tsx src/bot.ts' },
    ],
    ['nothing, and writes a first bot', {}, { bot: 'bot.mjs' }],
  ])('%s', async (_what, files, launcher) => {
    const cwd = folder(files);
    const { code, read } = await init(cwd, '--yes');
    expect([code, parse(read('dso.yaml'))]).toEqual([0, { nodes: 2, totalShards: 'auto', launcher }]);
    expect(read('dso.yaml')).toMatch(
      /^# yaml-language-server: \$schema=\.\/node_modules\/@dshard\/cli\/dist\/dso\.schema\.json\n/,
    );
  });

  test.each([
    ['discord.js', /discordjs/],
    ['@sapphire/framework', /SapphireClient/],
    ['eris', /guide\/eris\.md/],
    ['oceanic.js', /guide\/oceanic\.md/],
  ])('the library %s, and says what its bot lacks', async (library, message) => {
    const cwd = folder({
      'package.json': manifest({
        dependencies: { ...(library.startsWith('@') && { 'discord.js': '14' }), [library]: '1' },
      }),
      'bot.js': '',
    });
    const { stdout } = await runDso(['init', '--yes'], { cwd });
    expect(stdout).toContain(`The bot is bot.js (${library}, JavaScript).`);
    expect(stdout).toMatch(message);
  });
});

describe('dso init writes', () => {
  test('what the scheduler starts with the bot’s own command, and no secret that others may read', async () => {
    const cwd = folder({ 'package.json': manifest(PLAIN), 'src/index.js': "import '@dshard/node/discordjs';" });
    const { document, read } = await init(cwd, '--yes', '--with', 'systemd,compose,kubernetes', '--nodes', '4');
    expect(document.files.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining([
        'deploy/dso-node@.service',
        'compose.yaml',
        'Dockerfile',
        'kubernetes/bot.yaml',
        'orchestrator/Dockerfile',
      ]),
    );
    expect(read('Dockerfile')).toMatch(/^CMD \["node", "src\/index\.js"\]$/m);
    expect(read('deploy/dso-node@.service')).toMatch(/^ExecStart=\/\S*node src\/index\.js$/m);
    expect(read('deploy/dso-orchestrator.service')).toContain('up --config deploy/orchestrator.yaml');
    expect(parse(read('deploy/orchestrator.yaml'))).toEqual({ totalShards: 'auto' });
    expect(parse(read('dso.yaml')).nodes).toBe(4);
    expect(read('.env')).toMatch(/^POSTGRES_PASSWORD=[0-9a-f]{64}$/m);
    expect(statSync(join(cwd, '.env')).mode & 0o077).toBe(0);
    expect(document.next).toContain('npx dso doctor');
  });

  test('over nothing that is there, unless it is told to', async () => {
    const cwd = folder({ 'bot.js': 'mine', 'dso.yaml': 'nodes: 7\n' });
    const kept = await init(cwd, '--yes');
    expect([kept.document.files, kept.read('dso.yaml')]).toEqual([[{ path: 'dso.yaml', done: 'kept' }], 'nodes: 7\n']);
    const forced = await init(cwd, '--yes', '--force');
    expect(forced.read('dso.yaml')).toContain('bot: bot.js');
    expect(forced.read('bot.js')).toBe('mine');
  });

  test('nothing where it is told what it does not know', async () => {
    const cwd = folder({});
    for (const [args, message] of [
      [['--with', 'nomad'], /systemd, compose, kubernetes/],
      [['--nodes', '0'], /from 1 to 1000/],
      [['--bot', 'gone.js'], /no file gone\.js/],
    ] as const) {
      const { code, stderr } = await runDso(['init', ...args], { cwd });
      expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
    expect(() => statSync(join(cwd, 'dso.yaml'))).toThrow('ENOENT');
  });
});
