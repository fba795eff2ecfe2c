/**
 * seyfert as it is, with the gateway of its own that ignores ports: in a network namespace where Discord's hosts are an
 * emulator on 443. Needs root and `ip netns`; elsewhere there is no namespace to be had.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

leakGuard({ beforeEach, afterEach });

const program = fileURLToPath(new URL('../../gateway-emulator/bin/dso-gateway-netns.js', import.meta.url));
const bot = fileURLToPath(new URL('bots/seyfert.mjs', import.meta.url));
const probe = `dso-probe-${process.pid}`;
const canMakeNamespaces = spawnSync('ip', ['netns', 'add', probe]).status === 0;
if (canMakeNamespaces) spawnSync('ip', ['netns', 'delete', probe]);

type Run = { child: ChildProcess; namespace: string; out: string[]; exited: Promise<number | null> };

let run: Run;
afterEach(async () => {
  if (run.child.exitCode === null) run.child.kill('SIGTERM');
  await run.exited;
});

function start(...argv: string[]): Run {
  const child = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const out: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => out.push(text));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, namespace: `dso-${child.pid}`, out, exited };
}

const said = (): string => run.out.join('');

/** Asks the emulator's admin interface, from inside. */
function ask(path: string, body?: object): unknown {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const code = `process.stdout.write(await (await fetch('https://127.0.0.1/emulator/${path}', ${JSON.stringify(init)})).text())`;
  const ca = /NODE_EXTRA_CA_CERTS=(\S+),/.exec(said())?.[1] ?? '';
  const asked = spawnSync('ip', ['netns', 'exec', run.namespace, process.execPath, '--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { ...process.env, NODE_EXTRA_CA_CERTS: ca },
  });
  return JSON.parse(asked.stdout);
}

const pongs = (): number => (ask('posted?kind=message') as { posted: unknown[] }).posted.length;

describe.skipIf(!canMakeNamespaces)('dso-gateway-netns', () => {
  test('runs an unchanged seyfert bot, which answers, and answers again after it has resumed', async () => {
    run = start('--shards', '2', '--hello-delay', '100', '--', process.execPath, bot);
    await until(() => said().includes('ready 661720242581405696 2'), { what: 'the bot', timeoutMs: 30_000 });
    ask('say', { content: '!ping' });
    await until(() => pongs() === 1, { what: `an answer: ${said()}`, timeoutMs: 10_000 });
    expect(ask('drop', {})).toEqual({ affected: 2 });
    const resumed = (): boolean => {
      const { sessions, identifies } = ask('status') as {
        sessions: { attached: boolean }[];
        identifies: { remaining: number };
      };
      return sessions.length === 2 && sessions.every(({ attached }) => attached) && identifies.remaining === 998;
    };
    await until(resumed, { what: `two sessions resumed: ${said()}`, timeoutMs: 20_000 });
    ask('say', { content: '!ping' });
    await until(() => pongs() === 2, { what: `a second answer: ${said()}`, timeoutMs: 10_000 });
    ask('say', { content: '!end' });
    expect(await run.exited).toBe(7);
    expect(existsSync(`/etc/netns/${run.namespace}`)).toBe(false);
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain(run.namespace);
  });

  test('ends bot and emulator when it is told to, and leaves nothing behind', async () => {
    run = start('--', process.execPath, '-e', 'console.log("here"); setInterval(() => undefined, 1000)');
    await until(() => said().includes('here'), { what: 'the bot', timeoutMs: 20_000 });
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain(run.namespace);
  });

  test('says what is wrong when the emulator does not start, and leaves nothing behind', async () => {
    run = start('--shards', '0', '--', 'true');
    expect(await run.exited).toBe(1);
    expect(said()).toContain('from 1 to 100000');
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain(run.namespace);
  });
});

test('without a command it says how it is used, and exits with 2', async () => {
  run = start('--shards', '2');
  expect(await run.exited).toBe(2);
  expect(said()).toContain('Usage: dso-gateway-netns');
});
