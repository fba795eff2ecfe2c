/**
 * The command line on somebody's laptop: `npm install @dshard/cli`, and nothing that a server needs. The packages that
 * npm would install are copied to a place of their own, because here the orchestrator is always within reach.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { INSTALL_LINE } from '../src/commands/up.js';
import { runProgram } from './dso.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** All packages that `name` brings, with the folder of each. */
function closureOf(name: string, found = new Map<string, string>(), from = ROOT): Map<string, string> {
  if (found.has(name)) return found;
  const folder = folderOf(name, from);
  found.set(name, folder);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const needed of Object.keys(manifest.dependencies ?? {})) closureOf(needed, found, folder);
  return found;
}

function folderOf(name: string, from: string): string {
  const here = join(from, 'node_modules', name);
  if (existsSync(here)) return realpathSync(here);
  if (dirname(from) === from) throw new Error(`${name} is not installed.`);
  return folderOf(name, dirname(from));
}

const closure = closureOf('@dshard/cli');
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'dso-alone-'));
  for (const [name, folder] of closure) {
    const target = join(place, 'node_modules', name);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(folder, target, { recursive: true, filter: (path) => !path.slice(folder.length).includes('node_modules') });
  }
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

const dso = (...args: string[]): ReturnType<typeof runProgram> =>
  runProgram(join(place, 'node_modules/@dshard/cli/bin/dso.js'), args, { cwd: place });

test('the command line alone brings no server, no database and nothing of either', () => {
  const names = [...closure.keys()];
  expect(names).toContain('@dshard/api');
  for (const name of names) expect(name).not.toMatch(/orchestrator|fastify|libsql|pino/);
  expect(names.length).toBeLessThan(20);
});

test('the command line works without an orchestrator beside it', async () => {
  expect(await dso('--help')).toMatchObject({ code: 0, stderr: '' });
  const { code, stderr } = await dso('status', '--address', '127.0.0.1:1');
  expect([code, stderr]).toEqual([3, expect.stringMatching(/Nobody listens/)]);
});

test('dso up without an orchestrator says what to install', async () => {
  const { code, stderr } = await dso('up', '--bot', './bot.js');
  expect(code).toBe(1);
  expect(stderr).toContain(`\n  ${INSTALL_LINE}\n`);
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(INSTALL_LINE);
});
