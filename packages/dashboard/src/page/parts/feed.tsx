/** Entries of the history. */
import type { JSX } from 'preact';
import type { HistoryEntry } from '@dshard/api';
import { clockTime } from '../../model/text.js';
import { Empty } from './basics.js';

export function Feed({ entries, empty }: { entries: readonly HistoryEntry[]; empty: string }): JSX.Element {
  if (entries.length === 0) return <Empty>{empty}</Empty>;
  return (
    <ol class="feed">
      {entries.map(({ id, at, level, text, name, by }) => (
        <li key={id} class={level}>
          <time dateTime={new Date(at).toISOString()}>{clockTime(at)}</time>
          <span class="level">{LEVELS[level]}</span>
          <span class="text">
            {text} <span class="muted name">{name}</span>
            {by !== 'automatic' && <span class="muted"> · {by}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

const LEVELS = { debug: 'detail', info: 'info', warn: 'warning', error: 'error' } as const;
