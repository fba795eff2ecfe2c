/** What the history says of one thing, as lines: the time of day, how long after the line before, and what happened. */
import type { HistoryEntry } from '@dshard/api';
import { printable } from '@dshard/protocol';
import { painted, type Terminal, type Tone } from '../output/terminal.js';
import { shortSpan, timeOfDay } from '../output/times.js';

const TONES: Readonly<Record<HistoryEntry['level'], Tone | null>> = {
  debug: 'faint',
  info: null,
  warn: 'warning',
  error: 'bad',
};

/** @param now the day is told where it is another one. */
export function lifeLines(entries: readonly HistoryEntry[], now: number, terminal: Terminal): readonly string[] {
  const today = dayOf(now);
  let day = today;
  let before: number | null = null;
  return entries.flatMap(({ at, level, text, by }) => {
    const heading = dayOf(at) === day ? [] : [`  ${dayOf(at)}`];
    day = dayOf(at);
    const gap = before === null || at <= before ? '' : `+${shortSpan(at - before)}`;
    before = at;
    const who = by === 'automatic' ? '' : ` [${by}]`;
    const head = `  ${timeOfDay(at)}  ${gap.padStart(7)}  `;
    const sentence = cut(
      printable(`${text}${who}`),
      terminal.columns === null ? null : terminal.columns - 1 - head.length,
    );
    return [...heading, `${head}${painted(sentence, TONES[level], terminal)}`];
  });
}

function cut(text: string, room: number | null): string {
  const characters = Array.from(text);
  if (room === null || characters.length <= room) return text;
  return `${characters.slice(0, Math.max(1, room - 1)).join('')}…`;
}

function dayOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toDateString();
}
