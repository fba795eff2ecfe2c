import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startGatewayEmulator } from '../src/emulator.js';
import { runProgram } from '../src/program.js';
import { parseScript } from '../src/world/script.js';

leakGuard({ beforeEach, afterEach });

async function run(argv: string[], untilStopped: () => Promise<void> = () => Promise.resolve()) {
  const out: string[] = [];
  const err: string[] = [];
  const exitCode = await runProgram(argv, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    untilStopped,
  });
  return { exitCode, out: out.join('\n'), err: err.join('\n') };
}

describe('dso-gateway', () => {
  test('starts what it was asked for, says how to use it, and stops in order', async () => {
    let stop = (): void => undefined;
    const out: string[] = [];
    const running = runProgram(
      ['--port', '0', '--shards', '3', '--guilds', '7', '--token', 'secret', '--rate', '0.5'],
      {
        out: (line) => out.push(line),
        err: () => undefined,
        untilStopped: () => new Promise((resolve) => (stop = resolve)),
      },
    );
    await until(() => out.length > 0, { what: 'the greeting' });
    const greeting = out.join('\n');
    expect(greeting).toContain('7 guilds');
    const api = /REST +(\S+)/.exec(greeting)?.[1] ?? '';
    expect(greeting).toContain(`rest: { api: '${api}' } });`);
    expect(greeting).toContain(`client.login('secret')`);
    const answer = await fetch(`${api}/v10/gateway/bot`, {
      headers: { authorization: 'Bot secret', connection: 'close' },
    });
    expect(await answer.json()).toMatchObject({ shards: 3 });
    stop();
    expect(await running).toBe(0);
    await expect(fetch(api)).rejects.toThrow();
  });

  test('records what it emits, as a script that it plays', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dso-gateway-'));
    const file = join(folder, 'traffic.jsonl');
    const lines = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []);
    const recorded = await run(
      ['--port', '0', '--rate', '500', '--mix', 'messages=3,voice=1', '--record', file],
      async () => {
        await until(() => lines().length >= 20, { what: 'twenty events' });
      },
    );
    expect(recorded.exitCode).toBe(0);
    const script = parseScript(readFileSync(file, 'utf8'));
    expect(new Set(script.map(({ t }) => t))).toEqual(new Set(['MESSAGE_CREATE', 'VOICE_STATE_UPDATE']));
    const again = join(folder, 'again.jsonl');
    await run(['--port', '0', '--script', file, '--record', again], async () => {
      await until(() => existsSync(again) && readFileSync(again, 'utf8').split('\n').length > script.length, {
        what: 'all of it',
      });
    });
    const played = parseScript(readFileSync(again, 'utf8'));
    expect(played.map(({ json }) => json)).toEqual(script.map(({ json }) => json));
    rmSync(folder, { recursive: true });
  });

  test('says so when it cannot record, and exits with 1', async () => {
    const { exitCode, err } = await run(['--port', '0', '--record', '/nowhere/at/all.jsonl']);
    expect(err).toContain('/nowhere/at/all.jsonl cannot be written');
    expect(exitCode).toBe(1);
  });

  test('explains itself with --help: its options, with examples', async () => {
    const { exitCode, out } = await run(['--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain('Examples:');
    expect(out).toContain('--max-concurrency');
  });

  test.each([
    [['--shards', 'many'], '--shards'],
    [['--shards', '0'], 'from 1 to 100000'],
    [['--port', '70000'], 'from 0 to 65535'],
    [['--rate', '-1'], 'a number from 0 to 1000000'],
    [['--session-starts', '1.5'], 'a whole number from 0 on'],
    [['--replay-buffer', 'x'], '--replay-buffer'],
    [['--mix', 'messages=1,songs=1'], '"songs" is not a kind of traffic'],
    [['--mix', 'messages'], 'the weight of "messages"'],
    [['--script', '/nowhere/script.jsonl'], 'cannot be read'],
    [['--nonsense'], '--nonsense'],
    [['extra'], 'too many arguments'],
  ])('called with %j says what is wrong, and exits with 2', async (argv, message) => {
    const { exitCode, err } = await run(argv);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });

  test('warns of more guilds than its shards may have, and tells its version', async () => {
    const { exitCode, err } = await run(['--port', '0', '--guilds', '5001', '--shards', '2']);
    expect([exitCode, err]).toEqual([0, expect.stringContaining('--shards 3')]);
    expect(await run(['--version'])).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });

  test('--shard-multiple 16 refuses other shard counts, and recommends one that fits', async () => {
    let api = '';
    const out: string[] = [];
    const io = {
      out: (line: string) => out.push(line),
      err: () => undefined,
      untilStopped: async () => {
        api = /REST +(\S+)/.exec(out.join('\n'))?.[1] ?? '';
        const headers = { authorization: 'Bot secret', connection: 'close' };
        const answer = await fetch(`${api}/v10/gateway/bot`, { headers });
        expect(await answer.json()).toMatchObject({ shards: 32 });
      },
    };
    const asked = ['--port', '0', '--shards', '20', '--shard-multiple', '16', '--token', 'secret'];
    expect(await runProgram(asked, io)).toBe(0);
    expect(api).not.toBe('');
  });

  test('says so when its port is taken, and exits with 1', async () => {
    const other = await startGatewayEmulator();
    const port = new URL(other.httpUrl).port;
    const { exitCode, err } = await run(['--port', port]);
    expect(err).toContain(`127.0.0.1:${port}: the port is taken`);
    expect(err).toContain('--port');
    expect(exitCode).toBe(1);
    await other.close();
  });
});
