/** Operations under way, and those that ended lately. */
import type { JSX } from 'preact';
import type { LiveOperation } from '@dshard/api/live';
import { cancelAction } from '../../model/actions.js';
import { percent, seconds, span } from '../../model/text.js';
import { now } from '../store.js';
import { Link } from './basics.js';
import { ActionButton } from './confirm.js';

export function OperationCard({ operation }: { operation: LiveOperation }): JSX.Element {
  const { id, kind, state, text, shards, nodes, waitsFor, etaMs, by, startedAt, endedAt } = operation;
  const isOver = endedAt !== null;
  const [done, total] =
    shards !== null && shards.total > 0 ? [shards.moved, shards.total] : [nodes?.done ?? 0, nodes?.total ?? 0];
  return (
    <article class={`operation ${state}`}>
      <header>
        <h3>
          <Link to={{ page: 'operation', id }}>
            {kind} <span class="mono">{id}</span>
          </Link>
        </h3>
        <span class={`chip ${state}`}>{state}</span>
        {!isOver && <ActionButton action={cancelAction(id)} />}
      </header>
      <p>{text}</p>
      {!isOver && total > 0 && (
        <div
          class="progress"
          role="progressbar"
          aria-valuenow={done}
          aria-valuemin={0}
          aria-valuemax={total}
          aria-label={`${kind} ${id}`}
        >
          <i style={{ width: percent(done, total).replace(' ', '') }} />
        </div>
      )}
      <p class="muted">
        {waitsFor !== null && `Waits: ${waitsFor}. `}
        {isOver ? `Took ${span(endedAt - startedAt)}` : `For ${seconds(now.value - startedAt)}`}
        {etaMs !== null && !isOver && `, about ${span(etaMs)} left`}
        {` · ${by}`}
      </p>
    </article>
  );
}
