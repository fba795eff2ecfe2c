/** Every node: what is known of it, what is only suspected, and what it says of itself. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import { NODE_QUERY, type NodeRow } from '@dshard/api';
import type { LiveSnapshot } from '@dshard/api/live';
import { queryCommand, REBALANCE } from '../../model/actions.js';
import { filterOf } from '../../model/filter.js';
import { countsOf, isPast, isStale as areStale, nodeEntries, nodeState, type NodeEntry } from '../../model/fleet.js';
import { nodeRows } from '../../model/rows.js';
import type { Route } from '../../model/route.js';
import { sparkOf } from '../../model/series.js';
import { bytes, count, counted, rate, seconds } from '../../model/text.js';
import { goTo } from '../navigation.js';
import { isStale, now, points, recorder } from '../store.js';
import { ShardBar } from '../parts/bar.js';
import { Empty, NodeLink, Panel } from '../parts/basics.js';
import { ActionButton } from '../parts/confirm.js';
import { Spark } from '../parts/plot.js';
import { QueryField } from '../parts/query.js';

type NodesRoute = Extract<Route, { page: 'nodes' }>;

export function Nodes({ snapshot, route }: { snapshot: LiveSnapshot; route: NodesRoute }): JSX.Element {
  const filter = useMemo(() => filterOf<NodeRow>(route.query, NODE_QUERY), [route.query]);
  const entries = nodeEntries(snapshot);
  const found = useMemo(() => {
    if (filter.matches === null) return null;
    return new Set(
      nodeRows(snapshot)
        .filter(filter.matches)
        .map(({ id }) => id),
    );
  }, [snapshot, filter]);
  // Those that are gone for good are shown to who asks for them.
  const shown = entries.filter((entry) => (found === null ? !isPast(entry) : found.has(entry.node.id)));
  const most = Math.max(1, ...shown.map(({ shards }) => shards.length));
  return (
    <>
      <h1>Nodes</h1>
      <Panel title={counted(shown.length, 'node')} aside={<ActionButton action={REBALANCE} />}>
        <QueryField
          label="Which nodes"
          example="state:connected host:rack-* memory>500MB"
          value={route.query}
          problem={filter.problem}
          found={`${count(shown.length)} of ${counted(entries.length, 'node')}`}
          command={queryCommand('nodes', route.query)}
          onChange={(query) => goTo({ ...route, query }, { replace: true })}
        />
        {shown.length === 0 ? (
          <Empty>No node is like that.</Empty>
        ) : (
          <div class="table-frame" tabIndex={0} role="region" aria-label="Nodes">
            <table class="table nodes">
              <thead>
                <tr>
                  <th scope="col">Node</th>
                  <th scope="col">State</th>
                  <th scope="col">Version</th>
                  <th scope="col" class="grow">
                    Shards
                  </th>
                  <th scope="col" class="number">
                    Events/s
                  </th>
                  <th scope="col" class="number">
                    Memory
                  </th>
                  <th scope="col" class="number">
                    CPU
                  </th>
                  <th scope="col" class="number">
                    Delay
                  </th>
                </tr>
              </thead>
              <tbody>
                {shown.map((entry) => (
                  <NodeLine key={entry.node.id} snapshot={snapshot} entry={entry} most={most} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
    </>
  );
}

function NodeLine({ snapshot, entry, most }: { snapshot: LiveSnapshot; entry: NodeEntry; most: number }): JSX.Element {
  const { node, figures, shards } = entry;
  const taken = points.value;
  const series = useMemo(() => recorder.node(node.id), [node.id, taken]);
  const stale = isStale.value || areStale(snapshot, figures) ? 'stale' : '';
  return (
    <tr>
      <th scope="row">
        <NodeLink id={node.id} />
        <span class="muted sub">{node.host ?? 'no host named'}</span>
      </th>
      <td data-label="State">
        <NodeState entry={entry} />
      </td>
      <td data-label="Version" class="mono">
        {node.version === '' ? '–' : node.version}
      </td>
      <td data-label="Shards" class="grow">
        <div class="with-number">
          <span class="number">{shards.length}</span>
          <ShardBar counts={countsOf(snapshot, shards)} total={most} label={`Node ${node.id}`} missing="room" />
        </div>
      </td>
      <td data-label="Events/s" class={`number ${stale}`}>
        <span class="with-spark">
          <Spark values={sparkOf(series.of.events, 40)} />
          {figures?.eventsPerSecond === null || figures === null ? '–' : rate(figures.eventsPerSecond)}
        </span>
      </td>
      <td data-label="Memory" class={`number ${stale}`}>
        {figures?.memoryBytes === null || figures === null ? '–' : bytes(figures.memoryBytes)}
      </td>
      <td data-label="CPU" class={`number ${stale}`}>
        {figures?.cpuPercent === null || figures === null ? '–' : `${Math.round(figures.cpuPercent)} %`}
      </td>
      <td data-label="Delay" class={`number ${stale}`}>
        {figures?.eventLoopDelayMs === null || figures === null ? '–' : `${Math.round(figures.eventLoopDelayMs)} ms`}
        {stale !== '' && <span class="stale-word">stale</span>}
      </td>
    </tr>
  );
}

/** A fact is a chip; a suspicion is set apart from facts, and says why. */
export function NodeState({ entry: { node } }: { entry: NodeEntry }): JSX.Element {
  const fact = nodeState({ ...node, suspicion: null });
  return (
    <span class="states">
      <span class={`chip ${fact.tone}`}>{fact.word}</span>
      {node.suspicion !== null && (
        <span class="suspicion">
          <b>suspected:</b> {node.suspicion.text} (for {seconds(now.value - node.suspicion.since)})
        </span>
      )}
      {node.restarts > 0 && <span class="muted">{counted(node.restarts, 'restart')}</span>}
    </span>
  );
}
