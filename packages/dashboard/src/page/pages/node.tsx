/** One node: its state, its shards, its figures over time, and what can be done with it. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import type { LiveSnapshot } from '@dshard/api/live';
import { nodeActions } from '../../model/actions.js';
import { countsOf, entryOf, isStale as areStale } from '../../model/fleet.js';
import { OVERVIEW } from '../../model/route.js';
import { migrationsByShard, nodesIn, shardRow } from '../../model/rows.js';
import { bytes, counted, rate, seconds, span } from '../../model/text.js';
import { history, isStale, now, points, recorder } from '../store.js';
import { ShardBar } from '../parts/bar.js';
import { CopyCommand, Empty, Link, Panel } from '../parts/basics.js';
import { ActionButton } from '../parts/confirm.js';
import { Feed } from '../parts/feed.js';
import { Plot } from '../parts/plot.js';
import { ShardTable } from '../parts/shard-table.js';
import { NodeState } from './nodes.js';

export function Node({ snapshot, id }: { snapshot: LiveSnapshot; id: string }): JSX.Element {
  const entry = entryOf(snapshot, id);
  const taken = points.value;
  const series = useMemo(() => recorder.node(id), [id, taken]);
  const entries = useMemo(
    () =>
      history.value
        .filter((each) => nodesIn(each).includes(id))
        .slice(-30)
        .toReversed(),
    [history.value, id],
  );
  const migrations = useMemo(() => migrationsByShard(snapshot), [snapshot]);
  if (entry === null) {
    return (
      <>
        <h1>Node {id}</h1>
        <Empty>
          The orchestrator does not know this node. <Link to={{ page: 'nodes', query: '' }}>All nodes</Link>
        </Empty>
        <Panel title="What is known of it from before">
          <Feed entries={entries} empty="Nothing." />
        </Panel>
      </>
    );
  }
  const { node, figures, shards } = entry;
  const about = {
    id,
    connection: node.connection,
    intent: node.intent,
    shards: shards.length,
    isSilent: node.suspicion?.kind === 'silent',
  };
  const stale = isStale.value || areStale(snapshot, figures);
  return (
    <>
      <div class="page-head">
        <h1>
          Node <span class="mono">{id}</span>
        </h1>
        <div class="buttons">
          {nodeActions(about).map((action) => (
            <ActionButton key={action.key} action={action} />
          ))}
        </div>
      </div>
      <Panel title="State" aside={<CopyCommand command={`dso nodes --query node:${id} --json`} />}>
        <NodeState entry={entry} />
        <dl class="pairs wide">
          <dt>{node.connection === 'disconnected' ? 'Disconnected for' : 'Connected for'}</dt>
          <dd>{seconds(now.value - node.since)}</dd>
          <dt>Host</dt>
          <dd>
            {node.host ?? '–'}
            {node.zone !== null && <span class="muted"> in zone {node.zone}</span>}
          </dd>
          <dt>Version</dt>
          <dd class="mono">{node.version === '' ? '–' : node.version}</dd>
          <dt>Process</dt>
          <dd>{node.pid ?? '–'}</dd>
          <dt>Up for</dt>
          <dd>{figures?.uptimeMs === null || figures === null ? '–' : span(figures.uptimeMs)}</dd>
          <dt>Handler errors</dt>
          <dd>{figures?.handlerErrors ?? '–'}</dd>
        </dl>
        <ShardBar counts={countsOf(snapshot, shards)} total={Math.max(1, shards.length)} label="Its shards" />
      </Panel>
      <section class={`plots ${stale ? 'stale' : ''}`} aria-label="Figures over time">
        <h2>Since this page was opened {stale && <span class="stale-word">stale</span>}</h2>
        <div class="plot-grid">
          <Plot title="Events a second" at={series.at} values={series.of.events} format={rate} />
          <Plot title="Memory" at={series.at} values={series.of.memory} format={bytes} />
          <Plot title="CPU" at={series.at} values={series.of.cpu} format={(value) => `${Math.round(value)} %`} />
          <Plot title="Event-loop delay" at={series.at} values={series.of.delay} format={span} />
        </div>
      </section>
      <Panel
        title={counted(shards.length, 'shard')}
        aside={<Link to={{ ...OVERVIEW, query: `node:${id}` }}>on the map</Link>}
      >
        {shards.length === 0 ? (
          <Empty>It has no shards.</Empty>
        ) : (
          <ShardTable rows={shards.map((shard) => shardRow(snapshot, shard, migrations))} />
        )}
      </Panel>
      <Panel title="What happened to it">
        <Feed entries={entries} empty="Nothing yet." />
      </Panel>
    </>
  );
}
