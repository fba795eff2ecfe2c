/** The steady state at a glance: what is wrong first, then every shard, then what is under way. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import { SHARD_QUERY } from '@dshard/api';
import type { LiveSnapshot } from '@dshard/api/live';
import { queryCommand, REBALANCE } from '../../model/actions.js';
import { filterOf } from '../../model/filter.js';
import { isPast, nodeEntries, totalRate } from '../../model/fleet.js';
import { shardRows, type ShardRowLive } from '../../model/rows.js';
import type { OverviewRoute } from '../../model/route.js';
import { count, counted, percent, rate } from '../../model/text.js';
import { goTo } from '../navigation.js';
import { history, points, recorder } from '../store.js';
import { Alarms } from '../parts/alarms.js';
import { ActionButton } from '../parts/confirm.js';
import { Figure, Link, Panel } from '../parts/basics.js';
import { Feed } from '../parts/feed.js';
import { IdentifyBudget } from '../parts/identifies.js';
import { OperationCard } from '../parts/operations.js';
import { Spark } from '../parts/plot.js';
import { sparkOf } from '../../model/series.js';
import { QueryField } from '../parts/query.js';
import { MapLegend, ShardMap } from '../parts/shard-map.js';
import { ShardTable } from '../parts/shard-table.js';

export function Overview({ snapshot, route }: { snapshot: LiveSnapshot; route: OverviewRoute }): JSX.Element {
  const filter = useMemo(() => filterOf<ShardRowLive>(route.query, SHARD_QUERY), [route.query]);
  const needsRows = filter.matches !== null || route.as === 'table';
  const rows = useMemo(() => (needsRows ? shardRows(snapshot) : []), [needsRows, snapshot]);
  const matching = useMemo(() => (filter.matches === null ? rows : rows.filter(filter.matches)), [rows, filter]);
  const found = useMemo(
    () => (filter.matches === null ? null : new Set(matching.map(({ id }) => id))),
    [matching, filter],
  );
  const total = snapshot.shards.node.length;
  const running = snapshot.operations.filter(({ endedAt, parent }) => endedAt === null && parent === null);
  return (
    <>
      <h1 class="hidden">Overview</h1>
      <Alarms snapshot={snapshot} />
      <Figures snapshot={snapshot} />
      <div class="columns">
        <Panel
          title="Shards"
          class="wide"
          aside={
            <>
              <Choice
                label="Group"
                options={[
                  ['node', 'by node'],
                  ['id', 'by id'],
                ]}
                chosen={route.by}
                onChoose={(by) => goTo({ ...route, by }, { replace: true })}
              />
              <Choice
                label="Show as"
                options={[
                  ['map', 'map'],
                  ['table', 'table'],
                ]}
                chosen={route.as}
                onChoose={(as) => goTo({ ...route, as }, { replace: true })}
              />
            </>
          }
        >
          <QueryField
            label="Which shards"
            example="state:migrating node:web-* gap>500ms"
            value={route.query}
            problem={filter.problem}
            found={found === null ? counted(total, 'shard') : `${count(found.size)} of ${counted(total, 'shard')}`}
            command={queryCommand('shards', route.query)}
            onChange={(query) => goTo({ ...route, query }, { replace: true })}
          />
          {route.as === 'table' ? (
            <ShardTable rows={matching} />
          ) : (
            <>
              <ShardMap snapshot={snapshot} by={route.by} found={found} />
              <MapLegend snapshot={snapshot} />
            </>
          )}
        </Panel>
        <div class="side">
          {running.length > 0 && (
            <Panel title="Under way" aside={<Link to={{ page: 'operations' }}>all operations</Link>}>
              {running.map((operation) => (
                <OperationCard key={operation.id} operation={operation} />
              ))}
            </Panel>
          )}
          <IdentifyBudget snapshot={snapshot} />
          <Panel title="Lately" aside={<Link to={{ page: 'events', query: '' }}>all events</Link>}>
            <Feed
              entries={history.value
                .filter(({ level }) => level !== 'debug')
                .slice(-8)
                .toReversed()}
              empty="Nothing has happened yet."
            />
          </Panel>
        </div>
      </div>
    </>
  );
}

function Figures({ snapshot }: { snapshot: LiveSnapshot }): JSX.Element {
  const { fleet } = snapshot;
  const total = snapshot.shards.node.length;
  const { up } = fleet.conditionCounts;
  const here = nodeEntries(snapshot).filter((entry) => !isPast(entry));
  const connected = here.filter(({ node }) => node.connection === 'connected').length;
  const events = totalRate(snapshot);
  const { moving, down, limit } = fleet.disruption;
  const taken = points.value;
  const series = useMemo(() => recorder.fleet(), [taken]);
  return (
    <dl class="figures">
      <Figure
        name="Shards up"
        value={
          <>
            {count(up)}
            <small> / {count(total)}</small>
          </>
        }
        about={percent(up, total)}
        {...(up < total && { tone: 'trouble' })}
      />
      <Figure
        name="Nodes connected"
        value={
          <>
            {count(connected)}
            <small> / {count(here.length)}</small>
          </>
        }
        about={counted(snapshot.hosts.length, 'host')}
        {...(connected < here.length && { tone: 'trouble' })}
      />
      <Figure
        name="Events a second"
        value={events === null ? '–' : rate(events)}
        about={<Spark values={sparkOf(series.of.events, 60)} />}
      />
      <Figure
        name="Moving or down"
        value={
          <>
            {moving + down}
            <small> / {limit} at once</small>
          </>
        }
        about={`${moving} moving, ${down} down`}
      />
      <Figure
        name="Version"
        value={<span class="mono">{fleet.versions.running[0]?.version ?? '–'}</span>}
        about={
          fleet.versions.running.length > 1 ? (
            `and ${fleet.versions.running.length - 1} more`
          ) : (
            <ActionButton action={REBALANCE} />
          )
        }
      />
    </dl>
  );
}

function Choice<Name extends string>({
  label,
  options,
  chosen,
  onChoose,
}: {
  label: string;
  options: readonly (readonly [Name, string])[];
  chosen: Name;
  onChoose(this: void, name: Name): void;
}): JSX.Element {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(([name, text]) => (
        <button key={name} type="button" aria-pressed={name === chosen} onClick={() => onChoose(name)}>
          {text}
        </button>
      ))}
    </div>
  );
}
