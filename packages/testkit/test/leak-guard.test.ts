import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { systemClock } from '@dshard/transport';
import { leakGuard } from '@dshard/testkit';

/** The guard with hooks of our own, so that what it says can be looked at. */
function guard(): { begin: () => Promise<void>; end: () => Promise<void> } {
  const hooks: (() => void | Promise<void>)[] = [];
  const take = (hook: () => void | Promise<void>): number => hooks.push(hook);
  leakGuard({ beforeEach: take, afterEach: take }, { graceMs: 100 });
  return { begin: async () => hooks[0]!(), end: async () => hooks[1]!() };
}

describe('what a test leaves behind fails it, by name', () => {
  test('a timer that was not cancelled', async () => {
    const { begin, end } = guard();
    await begin();
    const cancel = systemClock().after(60_000, () => undefined);
    await expect(end()).rejects.toThrow(/^The test left behind: a timer set at .*leak-guard\.test\.ts:\d+:\d+\)?\.$/);
    cancel();
  });

  test('an interval, but no timer that ran or was cancelled', async () => {
    const { begin, end } = guard();
    await begin();
    const clock = systemClock();
    const cancel = clock.every(60_000, () => undefined);
    clock.after(1, () => undefined);
    clock.after(60_000, () => undefined)();
    await expect(end()).rejects.toThrow(/^The test left behind: a timer set [^,]*$/);
    cancel();
  });

  test('a server that still listens', async () => {
    const { begin, end } = guard();
    await begin();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await expect(end()).rejects.toThrow('1 TCPServerWrap');
    server.close();
    await end();
  });

  test('a child process that still runs', async () => {
    const { begin, end } = guard();
    await begin();
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await expect(end()).rejects.toThrow('1 ProcessWrap');
    child.kill();
    await new Promise((resolve) => child.once('close', resolve));
    await end();
  });
});

test('what was there before is not held against the test', async () => {
  const cancel = systemClock().after(60_000, () => undefined);
  const { begin, end } = guard();
  await begin();
  await end();
  cancel();
});
