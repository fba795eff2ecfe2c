/** How long shards stood still, as bars with their numbers. */
import type { JSX } from 'preact';
import type { HistoryEntry } from '@dshard/api';
import { histogramOf, movesIn } from '../../model/gaps.js';
import { counted, span } from '../../model/text.js';
import { Empty } from './basics.js';

export function GapHistogram({ history }: { history: readonly HistoryEntry[] }): JSX.Element {
  const { bars, count, median, longest } = histogramOf(movesIn(history));
  if (count === 0 || median === null || longest === null) return <Empty>No shard has moved yet.</Empty>;
  const top = Math.max(...bars.map((bar) => bar.count));
  return (
    <>
      <p>
        <strong>{span(median)}</strong>{' '}
        <span class="muted">
          median of {counted(count, 'move')}, longest {span(longest)}
        </span>
      </p>
      <ul class="histogram" aria-label="How many moves stood still for how long">
        {bars.map((bar) => (
          <li key={bar.label} class={bar.count === 0 ? 'none' : ''}>
            <span class="count">{bar.count}</span>
            <i style={{ height: `${Math.round((bar.count / top) * 80)}px` }} aria-hidden="true" />
            <span class="label">{bar.label}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
