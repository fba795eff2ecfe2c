import { describe, expect, test } from 'vitest';
import { LastWords } from '../../../src/adapters/process-launcher/last-words.js';

function wordsOf(...lines: string[]): { error: boolean; lines: string[] } | null {
  const words = new LastWords();
  for (const line of lines) words.add(line);
  return words.text && { error: words.text.error, lines: words.text.lines.split('\n') };
}

const chatter = (count: number, what = 'event'): string[] => Array.from({ length: count }, (_, n) => `${what} ${n}`);

describe('the last words of a process', () => {
  test('are none when it wrote nothing, or only blank lines', () => {
    expect(wordsOf()).toBeNull();
    expect(wordsOf('', '   ')).toBeNull();
  });

  test('are its last ten lines when none of them tells of an error', () => {
    expect(wordsOf(...chatter(30))).toEqual({ error: false, lines: chatter(30).slice(20) });
  });

  test.each([
    ['TypeError: Cannot read properties of undefined'],
    ['Error [TokenInvalid]: An invalid token was provided.'],
    ['Uncaught Exception: no route'],
    ['panic: runtime error: index out of range [3] with length 3'],
    ['Traceback (most recent call last):'],
    ['discord.errors.LoginFailure: Improper token has been passed.', 'MyException: it'],
    ['<--- Last few GCs --->', 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'],
    ['2026-11-30 12:00:01 [error] could not connect'],
    ['{"level":"error","msg":"no such table"}'],
  ])('are around the line with the error: %s', (...error) => {
    const words = wordsOf(...chatter(60), ...error, ...chatter(60, 'shutting down'));
    expect(words?.error).toBe(true);
    expect(words?.lines).toContain(error.at(-1));
    expect(words?.lines.length).toBeLessThanOrEqual(11);
    expect(words?.lines[0]).toBe(error.length === 1 ? 'event 57' : 'event 58');
  });

  test('are around the last error, for what came before it was survived', () => {
    const words = wordsOf('Error: the first', ...chatter(20), 'Error: the last', ...chatter(2, 'bye'));
    expect(words?.lines).toContain('Error: the last');
    expect(words?.lines).not.toContain('Error: the first');
  });

  test('take the error itself rather than a line that only mentions one later', () => {
    const words = wordsOf('RangeError: too deep', '    at f (bot.js:1)', ...chatter(20), 'exited after an error');
    expect(words?.lines[0]).toBe('RangeError: too deep');
  });

  test('have three calls of a stack at most', () => {
    const calls = Array.from({ length: 40 }, (_, n) => `    at f${n} (bot.js:${n})`);
    expect(wordsOf('Error: deep', ...calls, 'Node.js v22')?.lines).toEqual([
      'Error: deep',
      ...calls.slice(0, 3),
      'Node.js v22',
    ]);
  });

  test('are bounded, and keep the error, however long the lines are', () => {
    const long = 'x'.repeat(100_000);
    const words = wordsOf(long, long, long, 'Error: in the middle', long, long, long, long, long);
    expect(words?.lines).toContain('Error: in the middle');
    expect(words?.lines.join('\n').length).toBeLessThanOrEqual(1_500);
  });
});
