/** How `dso describe` lays a thing out: what it is, its trouble, what to do, what is known, and its latest history. */
import type { Alarm, HistoryEntry } from '@dshard/api';
import { printable } from '@dshard/protocol';
import { alarmLines } from '../commands/health.js';
import { lifeLines } from '../history/life.js';
import { factsOf } from '../output/table.js';
import { painted, type Terminal } from '../output/terminal.js';

export type Page = {
  /** What it is and how it is, in a sentence. */
  title: string;
  /** What is wrong with it, a line each, besides the alarms. */
  trouble: readonly string[];
  alarms: readonly Alarm[];
  /** Commands, each with what for. */
  todo: readonly string[];
  facts: readonly (readonly [name: string, value: string | null])[];
  /** Further parts, each with a heading. */
  parts?: readonly { heading: string; lines: readonly string[] }[];
  /** Oldest first; the last ones are shown. */
  entries: readonly HistoryEntry[];
  /** The command that shows all of it. */
  more: string;
  now: number;
};

const SHOWN_ENTRIES = 15;

export function pageText(page: Page, terminal: Terminal): string {
  const { title, trouble, alarms, todo, facts, parts = [], entries, more, now } = page;
  const wrong = [
    ...trouble.map((line) => `  ${printable(line)}`),
    ...alarmLines(alarms, now).map((line) => `  ${line}`),
  ];
  const shown = entries.slice(-SHOWN_ENTRIES);
  const heading = shown.length < entries.length ? `History (the last ${SHOWN_ENTRIES}; all: ${more})` : 'History';
  return [
    printable(title),
    ...section(
      'Trouble',
      wrong.map((line) => painted(line, 'bad', terminal)),
    ),
    ...section(
      'What to do',
      todo.map((line) => `  ${printable(line)}`),
    ),
    ...section('What is known', factsOf(facts)),
    ...parts.flatMap(({ heading: name, lines }) =>
      section(
        name,
        lines.map((line) => `  ${line}`),
      ),
    ),
    ...section(heading, shown.length === 0 ? ['  Nothing is in the history.'] : lifeLines(shown, now, terminal)),
  ].join('\n');
}

function section(heading: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', heading, ...lines];
}
