/** The map as a table: for screen readers, for copying, and for who likes rows. So many rows at a time. */
import { useState } from 'preact/hooks';
import type { JSX } from 'preact';
import type { ShardRowLive } from '../../model/rows.js';
import { count, rate, seconds } from '../../model/text.js';
import { LOOKS } from '../../model/tones.js';
import { Empty, Mark, NodeLink, ShardLink } from './basics.js';

const PAGE = 200;

export function ShardTable({ rows }: { rows: readonly ShardRowLive[] }): JSX.Element {
  const [shown, setShown] = useState(PAGE);
  if (rows.length === 0) return <Empty>No shard is like that.</Empty>;
  return (
    <div class="table-frame" tabIndex={0} role="region" aria-label="Shards">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Shard</th>
            <th scope="col">Condition</th>
            <th scope="col">For</th>
            <th scope="col">Node</th>
            <th scope="col">Host</th>
            <th scope="col">Version</th>
            <th scope="col" class="number">
              Events/s
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((row) => (
            <tr key={row.id}>
              <th scope="row">
                <ShardLink id={row.id} />
              </th>
              <td data-label="Condition">
                <Mark look={LOOKS[row.condition.kind]}>
                  {LOOKS[row.condition.kind].word}
                  {row.step !== null && <span class="muted"> ({row.step})</span>}
                </Mark>
              </td>
              <td data-label="For">{seconds(row.ageMs)}</td>
              <td data-label="Node">{row.node === null ? '–' : <NodeLink id={row.node} />}</td>
              <td data-label="Host">{row.host ?? '–'}</td>
              <td data-label="Version" class="mono">
                {row.version ?? '–'}
              </td>
              <td data-label="Events/s" class="number">
                {row.rate === null ? '–' : rate(row.rate)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <button type="button" class="more" onClick={() => setShown(shown + PAGE * 5)}>
          Show more: {count(rows.length - shown)} are left
        </button>
      )}
    </div>
  );
}
