import { describe, expect, test } from 'vitest';
import { tableOf, type Column } from '../../src/output/table.js';
import { terminalOf } from '../../src/output/terminal.js';

type Row = { id: string; count: number; why: string };
const COLUMNS: readonly Column<Row>[] = [
  { head: 'ID', of: ({ id }) => id },
  { head: 'COUNT', align: 'right', of: ({ count }) => String(count), tone: () => 'bad' },
  { head: 'WHY', isText: true, of: ({ why }) => why },
];
const ROWS: readonly Row[] = [
  { id: 'web-1', count: 7, why: 'the process ended with code 1 while it was starting its shards' },
  { id: 'a-node-with-a-long-name.eu-west-1.example', count: 12345, why: '' },
];

describe('a table', () => {
  test('is whole where it goes to a file', () => {
    expect(tableOf(COLUMNS, ROWS, { columns: null, hasColours: false })).toEqual([
      'ID                                         COUNT  WHY',
      'web-1                                          7  the process ended with code 1 while it was starting its shards',
      'a-node-with-a-long-name.eu-west-1.example  12345',
    ]);
  });

  test.each([120, 80, 60, 30, 10])('fits a terminal of %i columns: sentences give way first', (columns) => {
    const lines = tableOf(COLUMNS, ROWS, { columns, hasColours: false });
    for (const line of lines) expect(Array.from(line).length).toBeLessThan(columns);
    if (columns >= 80) expect(lines[2]).toContain('a-node-with-a-long-name.eu-west-1.example');
  });

  test('shows control characters of a stranger as text', () => {
    const [, line] = tableOf(COLUMNS, [{ id: 'a\u001b[2Jb', count: 1, why: 'x' }], { columns: 80, hasColours: false });
    expect(line).not.toContain('\u001b');
  });

  test('has colours on a terminal only, and its columns stay where they are', () => {
    const [, plain] = tableOf(COLUMNS, ROWS, { columns: 200, hasColours: false });
    const [, painted] = tableOf(COLUMNS, ROWS, { columns: 200, hasColours: true });
    expect(painted).toContain('\u001b[31m7\u001b[39m');
    expect(painted?.replaceAll('\u001b[31m', '').replaceAll('\u001b[39m', '')).toBe(plain);
  });
});

describe('what a stream can show', () => {
  test.each([
    [{}, {}, { columns: null, hasColours: false }],
    [{ isTTY: true, columns: 132 }, { TERM: 'xterm' }, { columns: 132, hasColours: true }],
    [{ isTTY: true, columns: 132 }, { NO_COLOR: '1' }, { columns: 132, hasColours: false }],
    [{ isTTY: true, columns: 0 }, { TERM: 'dumb' }, { columns: 80, hasColours: false }],
  ])('%j with %j is %j', (stream, environment, terminal) => {
    expect(terminalOf(stream, environment)).toEqual(terminal);
  });
});
