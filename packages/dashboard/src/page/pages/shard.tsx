/** One shard: how it is and why, its events over time, its life in lanes, and where it can go. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import type { ShardRow } from '@dshard/api';
import type { LiveSnapshot } from '@dshard/api/live';
import { migrateAction, unquarantineAction } from '../../model/actions.js';
import { conditionOf, nodeEntries, rateOf } from '../../model/fleet.js';
import { migrationsByShard, shardRow, shardsIn } from '../../model/rows.js';
import { count, rate, seconds, span } from '../../model/text.js';
import { LOOKS } from '../../model/tones.js';
import { ask } from '../browser-api.js';
import { history, isStale, now, points, recorder, role } from '../store.js';
import { CopyCommand, Empty, Mark, NodeLink, Panel } from '../parts/basics.js';
import { ActionButton } from '../parts/confirm.js';
import { Feed } from '../parts/feed.js';
import { Lanes } from '../parts/lanes.js';
import { Plot } from '../parts/plot.js';

export function Shard({ snapshot, id }: { snapshot: LiveSnapshot; id: number }): JSX.Element {
  const taken = points.value;
  const series = useMemo(() => recorder.shard(id), [id, taken]);
  const entries = useMemo(() => history.value.filter((each) => shardsIn(each).includes(id)), [history.value, id]);
  const details = useDetails(id, snapshot.shards.condition[id], snapshot.shards.since[id], taken);
  if (id >= snapshot.shards.node.length) {
    return (
      <>
        <h1>Shard {id}</h1>
        <Empty>
          There is no shard {id}: the bot has {snapshot.shards.node.length}.
        </Empty>
      </>
    );
  }
  const row = shardRow(snapshot, id, migrationsByShard(snapshot));
  const kind = conditionOf(snapshot, id);
  const events = rateOf(snapshot, id);
  return (
    <>
      <div class="page-head">
        <h1>Shard {id}</h1>
        <Mark look={LOOKS[kind]} />
        {kind === 'quarantined' && <ActionButton action={unquarantineAction(String(id))} />}
      </div>
      <Panel title="State" aside={<CopyCommand command={`dso shards --query id:${id} --json`} />}>
        <p>
          {LOOKS[kind].about}{' '}
          {details?.condition.why !== null && details?.condition.why !== undefined && (
            <strong>{details.condition.why}.</strong>
          )}
        </p>
        <dl class="pairs wide">
          <dt>For</dt>
          <dd>{seconds(now.value - row.condition.since)}</dd>
          <dt>Node</dt>
          <dd>{row.node === null ? 'nobody has it' : <NodeLink id={row.node} />}</dd>
          {row.step !== null && (
            <>
              <dt>Step of its migration</dt>
              <dd>{row.step}</dd>
            </>
          )}
          <dt>Gateway</dt>
          <dd>{details?.phase ?? '–'}</dd>
          <dt>Round trip</dt>
          <dd>{details?.pingMs === null || details === null ? '–' : span(details.pingMs)}</dd>
          <dt>Guilds</dt>
          <dd>{details?.guilds === null || details === null ? '–' : count(details.guilds)}</dd>
          <dt>Events a second</dt>
          <dd>{events === null ? '–' : rate(events)}</dd>
        </dl>
        <Migrate snapshot={snapshot} shard={id} />
      </Panel>
      <section class={`plots ${isStale.value ? 'stale' : ''}`} aria-label="Figures over time">
        <h2>Since this page was opened</h2>
        <Plot title="Events a second" at={series.at} values={series.of.events} format={rate} height={170} />
      </section>
      <Panel title="Its migrations">
        <Lanes
          history={entries}
          belongs={(entry) => entry.fields['shard'] === id}
          until={now.value}
          empty="It has not moved."
        />
      </Panel>
      <Panel title="What happened to it">
        <Feed entries={entries.slice(-30).toReversed()} empty="Nothing yet." />
      </Panel>
    </>
  );
}

/** What the stream does not tell: asked for again when the shard changes, and now and then. */
function useDetails(
  id: number,
  condition: number | undefined,
  since: number | undefined,
  taken: number,
): ShardRow | null {
  const [details, setDetails] = useState<ShardRow | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    void ask('shard', { shard: String(id) }, { signal: stop.signal }).then((answer) => {
      if (!stop.signal.aborted && answer.ok) setDetails(answer.body);
    });
    return () => stop.abort();
  }, [id, condition, since, Math.floor(taken / 5)]);
  return details?.id === id ? details : null;
}

function Migrate({ snapshot, shard }: { snapshot: LiveSnapshot; shard: number }): JSX.Element | null {
  const [chosen, setChosen] = useState('');
  const here = snapshot.shards.node[shard];
  const others = nodeEntries(snapshot).filter(
    ({ place, node }) => place !== here && node.connection === 'connected' && node.intent === 'serving',
  );
  if (role.value === 'read' || conditionOf(snapshot, shard) !== 'up' || others.length === 0) return null;
  const destination = others.some(({ node }) => node.id === chosen) ? chosen : (others[0]?.node.id ?? '');
  return (
    <div class="buttons">
      <label>
        Move it to{' '}
        <select value={destination} onChange={(event) => setChosen(event.currentTarget.value)}>
          {others.map(({ node, shards }) => (
            <option key={node.id} value={node.id}>
              {node.id} ({shards.length} shards)
            </option>
          ))}
        </select>
      </label>
      <ActionButton action={migrateAction(shard, destination)} />
    </div>
  );
}
