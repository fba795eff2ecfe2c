import { describe, expect, test } from 'vitest';
import { virtualClock } from '@dshard/testkit';
import { createLogger, formatLine, type LogEntry } from '../src/logger.js';

const line = (entry: Partial<LogEntry>): string =>
  formatLine({ at: 0, level: 'info', fields: {}, message: '', color: false, ...entry }).replace(/^\S+ /, '');

describe('a line for people', () => {
  test.each<[Partial<LogEntry>, string]>([
    [{ message: 'Node a joined.', fields: { node: 'a', shards: [0, 1], event: 'x' } }, 'info   Node a joined.'],
    [{ message: 'ready', fields: { node: 'web-1' } }, 'info   web-1 | ready'],
    [
      {
        level: 'warn',
        message: 'Shard 3 did not move.',
        fields: { shard: 3, to: 'b', list: [1], no: null, event: 'x' },
      },
      'warn   Shard 3 did not move. to=b list=[1] no=null',
    ],
    [{ message: 'x', level: 'error', color: true }, '\u001b[31merror\u001b[0m  x'],
    // What a node prints must not reach the terminal as commands.
    [
      { message: '\u001b[2J\u001b[31mred\u001b[0m\rover\u0007', fields: { node: 'n\u001b[1mx' } },
      'info   nx | red over ',
    ],
  ])('shows the entry %j as %j', (entry, expected) => {
    expect(line(entry)).toBe(expected);
  });
});

describe('the log', () => {
  const logged = (options: {
    isTTY: boolean;
    pretty: boolean | null;
    level?: 'info' | 'warn' | 'silent';
  }): string[] => {
    const lines: string[] = [];
    const { isTTY, pretty, level = 'info' } = options;
    const stream = { isTTY, write: (text: string) => lines.push(text) };
    const logger = createLogger({ level, pretty, stream, clock: virtualClock() });
    logger.debug({}, 'd');
    logger.info({ node: 'a' }, 'i');
    logger.warn({}, 'w');
    logger.error({}, 'e');
    return lines;
  };

  test('is JSON away from a terminal, lines on one, and what was asked for anywhere', () => {
    expect(JSON.parse(logged({ isTTY: false, pretty: null })[0]!)).toMatchObject({ msg: 'i', node: 'a', level: 30 });
    expect(logged({ isTTY: true, pretty: null })[0]).toMatch(/a \| i\n$/);
    expect(logged({ isTTY: true, pretty: false })[0]).toMatch(/^\{/);
    expect(logged({ isTTY: false, pretty: true })[0]).toMatch(/^\d\d:\d\d:\d\d info   a \| i\n$/);
  });

  test('writes nothing below its level', () => {
    for (const pretty of [true, false]) {
      expect(logged({ isTTY: false, pretty })).toHaveLength(3);
      expect(logged({ isTTY: false, pretty, level: 'warn' })).toHaveLength(2);
      expect(logged({ isTTY: false, pretty, level: 'silent' })).toHaveLength(0);
    }
  });
});
