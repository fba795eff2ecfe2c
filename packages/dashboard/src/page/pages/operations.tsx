/** What operators began and what takes its time; and one of them with its life in lanes. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import type { HistoryEntry } from '@dshard/api';
import type { LiveSnapshot } from '@dshard/api/live';
import { REBALANCE } from '../../model/actions.js';
import { textIn } from '../../model/rows.js';
import { history, now } from '../store.js';
import { CopyCommand, Empty, Link, NodeLink, Panel } from '../parts/basics.js';
import { ActionButton } from '../parts/confirm.js';
import { Feed } from '../parts/feed.js';
import { GapHistogram } from '../parts/histogram.js';
import { Lanes } from '../parts/lanes.js';
import { OperationCard } from '../parts/operations.js';

export function Operations({ snapshot }: { snapshot: LiveSnapshot }): JSX.Element {
  const operations = snapshot.operations.toSorted((a, b) => b.startedAt - a.startedAt);
  const running = operations.filter(({ endedAt }) => endedAt === null);
  const ended = operations.filter(({ endedAt }) => endedAt !== null);
  return (
    <>
      <div class="page-head">
        <h1>Operations</h1>
        <ActionButton action={REBALANCE} />
        <CopyCommand command="dso operations" />
      </div>
      <Panel title="Under way">
        {running.length === 0 ? (
          <Empty>Nothing is under way.</Empty>
        ) : (
          running.map((each) => <OperationCard key={each.id} operation={each} />)
        )}
      </Panel>
      <Panel title="Migrations under way">
        {snapshot.migrations.length === 0 ? (
          <Empty>No shard moves.</Empty>
        ) : (
          <ul class="plain">
            {snapshot.migrations.map(({ id, shard, origin, destination, step }) => (
              <li key={id}>
                <Link to={{ page: 'shard', id: shard }}>shard {shard}</Link> from <NodeLink id={origin} /> to{' '}
                <NodeLink id={destination} /> <span class="chip moving">{step}</span>
              </li>
            ))}
          </ul>
        )}
      </Panel>
      <Panel title="Ended lately">
        {ended.length === 0 ? (
          <Empty>None.</Empty>
        ) : (
          ended.map((each) => <OperationCard key={each.id} operation={each} />)
        )}
      </Panel>
    </>
  );
}

export function Operation({ snapshot, id }: { snapshot: LiveSnapshot; id: string }): JSX.Element {
  const operation = snapshot.operations.find((each) => each.id === id) ?? null;
  const all = history.value;
  const related = useMemo(
    () => new Set([id, ...snapshot.operations.filter(({ parent }) => parent === id).map((each) => each.id)]),
    [id, snapshot.operations],
  );
  const belongs = (entry: HistoryEntry): boolean => related.has(textIn(entry, 'operation') ?? '');
  const told = useMemo(() => all.filter(belongs), [all, related]);
  const moves = useMemo(() => movesOf(all, belongs), [all, related]);
  return (
    <>
      <div class="page-head">
        <h1>
          Operation <span class="mono">{id}</span>
        </h1>
        <CopyCommand command={`dso operations show ${id}`} />
      </div>
      {operation === null ? (
        <Empty>It is not among the last operations. What the history still tells of it is below.</Empty>
      ) : (
        <Panel title="State">
          <OperationCard operation={operation} />
          {operation.failed.length > 0 && (
            <ul class="plain">
              {operation.failed.map(({ shard, reason }) => (
                <li key={shard}>
                  <Link to={{ page: 'shard', id: shard }}>shard {shard}</Link> stays: {reason}
                </li>
              ))}
            </ul>
          )}
        </Panel>
      )}
      <Panel title="Its life" aside={<span class="muted">a lane for each shard</span>}>
        <Lanes
          history={all}
          belongs={belongs}
          until={now.value}
          empty="Nothing of it has moved, as far as this page has seen."
        />
      </Panel>
      <Panel title="Gap of each move">
        <GapHistogram history={moves} />
      </Panel>
      <Panel title="What happened">
        <Feed entries={told.slice(-100).toReversed()} empty="Nothing yet." />
      </Panel>
    </>
  );
}

/** The ends of migrations name no operation; their beginnings do. */
function movesOf(
  history: LiveSnapshot['history'],
  belongs: (entry: LiveSnapshot['history'][number]) => boolean,
): LiveSnapshot['history'] {
  const begun = new Set(
    history
      .filter((entry) => entry.name === 'migrationStarted' && belongs(entry))
      .map(({ fields }) => fields['migration']),
  );
  return history.filter(({ name, fields }) => name === 'migrationCompleted' && begun.has(fields['migration'] ?? null));
}
