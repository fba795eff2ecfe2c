/** For how long a process that ends waits for commands. What discord.js notes on interactions is in leaving.test.ts. */
import { virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { OpenCommands } from '../../../src/hosts/discordjs/open-commands.js';

/** How long it is waited for, in steps of 50 ms. */
async function waitedMs(message: object, isAwaited: boolean): Promise<number> {
  const clock = virtualClock();
  const commands = new OpenCommands(clock);
  commands.seen('messageCreate', [message], isAwaited);
  const from = clock.now();
  const ended: number[] = [];
  void commands.settled(new AbortController().signal).then(() => ended.push(clock.now()));
  for (let step = 0; step < 100 && ended.length === 0; step += 1) await clock.run(50);
  return (ended[0] ?? Infinity) - from;
}

const human = { author: { bot: false } };

describe('a process that ends after a message', () => {
  // Any message held a process back for 3 s when it ended, though its listeners had promised and kept their promise:
  // the parked shards of a single process were down for that long.
  test('waits for a moment where every listener returned a promise', async () => {
    expect(await waitedMs({ ...human, content: '!help' }, true)).toBe(500);
  });

  test('waits for the answer where a listener returned none', async () => {
    expect(await waitedMs({ ...human, content: '!help' }, false)).toBe(3_000);
  });

  test('does not wait where no text came that may be a command, nor for what bots say', async () => {
    expect(await waitedMs({ ...human, content: '' }, false)).toBe(0);
    expect(await waitedMs({ author: { bot: true }, content: '!help' }, false)).toBe(0);
  });
});
