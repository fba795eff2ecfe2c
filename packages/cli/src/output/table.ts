/** A table in columns, as kubectl has it: headings, no borders, and no line longer than the terminal is wide. */
import { printable } from '@dshard/protocol';
import { painted, type Terminal, type Tone } from './terminal.js';

export type Column<Row> = {
  readonly head: string;
  of(this: void, row: Row): string;
  readonly align?: 'right';
  /** Shown with `-o wide` only. */
  readonly isWide?: true;
  /** Gives way first when the terminal is narrow, as sentences can. */
  readonly isText?: true;
  tone?(this: void, row: Row): Tone | null;
};

const GAP = '  ';
/** So many characters a text keeps before other columns give way, too. */
const LEAST_TEXT = 12;

/** @param columns those that are to be shown, in their order. */
export function tableOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: Terminal,
): readonly string[] {
  const cells = rows.map((row) => columns.map(({ of }) => Array.from(printable(of(row)))));
  const widths = columns.map(({ head }, at) =>
    cells.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), head.length),
  );
  if (terminal.columns !== null) shrink(columns, widths, terminal.columns - 1);
  const line = (parts: readonly (readonly string[])[], toneOf: (at: number) => Tone | null): string => {
    const texts = parts.map((part, at) => {
      const width = widths[at] ?? 0;
      const text = fitted(part, width);
      const room = ' '.repeat(Math.max(0, width - Math.min(part.length, width)));
      const shown = painted(text, toneOf(at), terminal);
      if (columns[at]?.align === 'right') return `${room}${shown}`;
      return at === columns.length - 1 ? shown : `${shown}${room}`;
    });
    return texts.join(GAP).trimEnd();
  };
  const head = columns.map((column) => Array.from(column.head));
  return [
    line(head, () => null),
    ...rows.map((row, index) => line(cells[index] ?? [], (at) => columns[at]?.tone?.(row) ?? null)),
  ];
}

function fitted(characters: readonly string[], width: number): string {
  if (characters.length <= width) return characters.join('');
  return `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** The longest text first, then whatever is longest, until all fits. */
function shrink<Row>(columns: readonly Column<Row>[], widths: number[], room: number): void {
  const texts = [...columns.keys()].filter((at) => columns[at]?.isText === true);
  const sum = widths.reduce((total, width) => total + width, 0) + GAP.length * (widths.length - 1);
  for (let left = sum - room; left > 0; left -= 1) {
    const text = longestOf(texts, widths);
    const at = (widths[text] ?? 0) > LEAST_TEXT ? text : longestOf([...widths.keys()], widths);
    widths[at] = Math.max(1, (widths[at] ?? 1) - 1);
  }
}

function longestOf(candidates: readonly number[], widths: readonly number[]): number {
  return candidates.reduce((best, at) => ((widths[at] ?? 0) > (widths[best] ?? -1) ? at : best), -1);
}

/** Rows of a name and its value: what is null is left out, and further lines of a value stand below it. */
export function factsOf(rows: readonly (readonly [name: string, value: string | null])[]): readonly string[] {
  const shown = rows.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => {
    const [first = '', ...others] = value.split('\n').map((line) => printable(line));
    return [`  ${name.padEnd(width)}  ${first}`, ...others.map((line) => `  ${' '.repeat(width)}  ${line}`)].join('\n');
  });
}
