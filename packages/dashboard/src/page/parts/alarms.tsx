/** What is wrong, the gravest first, each with since when and what to do. */
import type { JSX } from 'preact';
import type { LiveSnapshot } from '@dshard/api/live';
import { count, counted, seconds } from '../../model/text.js';
import { OVERVIEW } from '../../model/route.js';
import { now } from '../store.js';
import { Link, NodeLink } from './basics.js';

export function Alarms({ snapshot }: { snapshot: LiveSnapshot }): JSX.Element {
  const alarms = [...snapshot.alarms].sort(
    (a, b) => Number(b.level === 'error') - Number(a.level === 'error') || a.since - b.since,
  );
  const { up } = snapshot.fleet.conditionCounts;
  const total = snapshot.shards.node.length;
  if (alarms.length === 0) {
    return (
      <p class={`verdict ${up === total && total > 0 ? 'well' : 'unsettled'}`} role="status">
        <i class="sign" aria-hidden="true" />
        <span>
          <strong>No alarm stands.</strong>{' '}
          {total === 0
            ? 'The number of shards is not decided yet.'
            : up === total
              ? `All ${counted(total, 'shard')} are up.`
              : `${count(up)} of ${counted(total, 'shard')} are up.`}
        </span>
      </p>
    );
  }
  return (
    <section class="alarms" aria-label="Alarms">
      <h2 class="hidden">Alarms</h2>
      <ul role="alert">
        {alarms.map(({ key, level, since, reason, remedy, shards, nodes }) => (
          <li key={key} class={level}>
            <i class="sign" aria-hidden="true" />
            <div>
              <p>
                <strong>{level === 'error' ? 'Error' : 'Warning'}:</strong> {reason}
              </p>
              <p class="remedy">{remedy}</p>
              <p class="muted">
                for <span class="number">{seconds(now.value - since)}</span>
                {nodes.length > 0 && (
                  <>
                    {' · '}
                    {nodes.slice(0, 5).map((node) => (
                      <span key={node}>
                        <NodeLink id={node} />{' '}
                      </span>
                    ))}
                  </>
                )}
                {shards !== '' && (
                  <>
                    {' · '}
                    <Link to={{ ...OVERVIEW, query: `id:${shards.replaceAll(' ', '')}`, as: 'table' }}>
                      shards {shards.length > 40 ? `${shards.slice(0, 40)}…` : shards}
                    </Link>
                  </>
                )}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
