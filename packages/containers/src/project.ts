/**
 * The project of somebody who runs a bot in containers: what deploy/docker has, copied as the guide says, and the
 * demo's discord.js bot in it. Its packages come from the registry, and lie in a cache of npm's from then on: nothing
 * is fetched from npm while an image is built.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packAll, readWorkspace, run } from '@dshard/packaging';
import { BUILD_FLAGS, writeReadable } from './base-image.js';
import { Registry } from './registry.js';
import type { Sandbox } from './sandbox.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const DEPLOY: string = join(ROOT, 'deploy');
/** The demo's bot, as it was built: what it imports of its own package. */
const BOT_FILES = ['discordjs/bot.js', 'discordjs/client-state.js', 'discordjs/commands.js', 'reports.js'];
/** While an image is built. */
const CACHE = '/npm-cache';
const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];

export type Project = {
  readonly folder: string;
  /** Of `podman build`, besides the Dockerfile's own. */
  readonly buildFlags: readonly string[];
};

export async function makeProject(sandbox: Sandbox): Promise<Project> {
  const folder = join(sandbox.folder, 'project');
  const cache = join(sandbox.folder, 'npm-cache');
  cpSync(join(DEPLOY, 'docker'), folder, { recursive: true });
  const tarballs = (await packAll(readWorkspace(ROOT), join(sandbox.folder, 'tarballs'))).map(({ file }) => file);
  const registry = await Registry.start([...tarballs, await packCacheTree(sandbox.folder)]);
  try {
    writeBot(folder);
    // The line of the guide, and what fills the cache.
    for (const each of [folder, join(folder, 'orchestrator')]) {
      const flags = [...QUIET, `--cache=${cache}`, `--@dshard:registry=${registry.url}`];
      await npm(['install', '--package-lock-only', ...flags], each);
      const scratch = join(sandbox.folder, 'scratch');
      cpSync(join(each, 'package.json'), join(scratch, 'package.json'));
      cpSync(join(each, 'package-lock.json'), join(scratch, 'package-lock.json'));
      await npm(['ci', '--omit=dev', ...flags], scratch);
    }
    const { stdout } = await run('npm', ['config', 'get', 'registry'], { cwd: folder });
    const settings = { registry: stdout.trim(), '@dshard:registry': registry.url, cache: CACHE, offline: 'true' };
    const npmrc = join(sandbox.folder, 'npmrc');
    writeReadable(
      npmrc,
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    return { folder, buildFlags: [...BUILD_FLAGS, `--volume=${cache}:${CACHE}`, `--volume=${npmrc}:/root/.npmrc:ro`] };
  } finally {
    await registry.close();
  }
}

/** The bot's two images, by version. */
export const IMAGES = { v1: 'localhost/my-bot:v1', v2: 'localhost/my-bot:v2' } as const;
/** What the compose file calls it. */
export const BOT_IMAGE = 'localhost/my-bot:latest';

/** `docker compose build` of the guide, and once more for the next version of the bot. */
export async function buildImages(sandbox: Sandbox, { folder, buildFlags }: Project): Promise<void> {
  const version = (name: string): void => writeFileSync(join(folder, 'version'), `${name}\n`);
  version('v1');
  const compose = ['podman-compose', '--podman-build-args', buildFlags.join(' ')];
  await sandbox.succeed([...compose, 'build', '--build-arg', 'VERSION=v1'], { cwd: folder, env: SETTINGS });
  await sandbox.succeed(['podman', 'tag', BOT_IMAGE, IMAGES.v1]);
  version('v2');
  const build = ['podman', 'build', ...buildFlags, '--build-arg', 'VERSION=v2', '-t', IMAGES.v2, '.'];
  await sandbox.succeed(build, { cwd: folder });
}

/** The compose file is not read without them. */
const SETTINGS = { DISCORD_TOKEN: 'not yet', POSTGRES_PASSWORD: 'not yet' };

function writeBot(folder: string): void {
  const demo = join(ROOT, 'packages/demo');
  for (const file of BOT_FILES) {
    cpSync(join(demo, 'dist', file), join(folder, 'demo', file));
  }
  writeFileSync(join(folder, 'bot.js'), "import './demo/discordjs/bot.js';\n");
  const { dependencies } = JSON.parse(readFileSync(join(demo, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>;
  };
  const needed = ['@dshard/node', '@dshard/testkit', '@dshard/transport', 'discord.js'];
  const manifest = {
    name: 'my-bot',
    version: '1.0.0',
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(needed.map((name) => [name, dependencies[name]])),
    // In no image.
    devDependencies: { picocolors: '1.1.1' },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
}

/** What the bot needs of the testkit, which is not published: one file. */
async function packCacheTree(folder: string): Promise<string> {
  const place = join(folder, 'cache-tree');
  mkdirSync(place);
  const manifest = { name: '@dshard/testkit', version: '0.1.0', type: 'module', exports: './cache-tree.js' };
  writeFileSync(join(place, 'package.json'), JSON.stringify(manifest));
  cpSync(join(ROOT, 'packages/testkit/dist/cache-tree.js'), join(place, 'cache-tree.js'));
  const file = (await npm(['pack', '--silent', `--pack-destination=${folder}`], place)).trim();
  return join(folder, file);
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run('npm', args, { cwd });
  if (code !== 0) throw new Error(`npm ${args[0] ?? ''} failed in ${cwd}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}
