/** Sentences on a terminal: broken between words, further lines indented, and no more lines than one reads. */
import { printable } from '@dshard/protocol';

const INDENT = '    ';
const MOST_LINES = 3;

/** @param columns null: it goes to a file, and stays whole. */
export function wrapped(line: string, columns: number | null, mostLines: number = MOST_LINES): readonly string[] {
  const text = printable(line);
  const width = columns === null ? Infinity : Math.max(INDENT.length + 8, columns - 1);
  if (lengthOf(text) <= width) return [text];
  const lines: string[] = [];
  let rest = Array.from(text);
  while (rest.length > width && lines.length < mostLines - 1) {
    const space = rest.slice(0, width + 1).lastIndexOf(' ');
    const end = space > INDENT.length ? space : width;
    lines.push(rest.slice(0, end).join(''));
    rest = Array.from(`${INDENT}${rest.slice(end).join('').trimStart()}`);
  }
  lines.push(rest.length <= width ? rest.join('') : `${rest.slice(0, width - 1).join('')}…`);
  return lines;
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
