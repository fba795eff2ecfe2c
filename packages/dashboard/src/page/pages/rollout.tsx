/**
 * A rollout is another page than the steady state: the old nodes on top, which drain, the new ones below, which fill,
 * and between them the one decision that is open, as a sentence with its button.
 */
import { useMemo, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import type { LiveRollout, LiveSnapshot } from '@dshard/api/live';
import { FETCH_VERSION, rolloutActions, rolloutStart } from '../../model/actions.js';
import { countsOf } from '../../model/fleet.js';
import { rolloutView, type Bucket, type Stage } from '../../model/rollout.js';
import { count, counted, dayTime, percent, seconds } from '../../model/text.js';
import { history, now, peaks } from '../store.js';
import { ShardBar } from '../parts/bar.js';
import { CopyCommand, Empty, Link, NodeLink, Panel } from '../parts/basics.js';
import { ActionButton } from '../parts/confirm.js';
import { Feed } from '../parts/feed.js';
import { GapHistogram } from '../parts/histogram.js';
import { OperationCard } from '../parts/operations.js';

export function Rollout({ snapshot }: { snapshot: LiveSnapshot }): JSX.Element {
  const { rollout } = snapshot;
  return rollout === null ? <NoRollout snapshot={snapshot} /> : <Running snapshot={snapshot} rollout={rollout} />;
}

function Running({ snapshot, rollout }: { snapshot: LiveSnapshot; rollout: LiveRollout }): JSX.Element {
  const view = rolloutView(snapshot, rollout, peaks.value);
  const { decision } = view;
  const actions = rolloutActions(rollout.pausedBy !== null);
  const since = rollout.startedAt;
  const entries = useMemo(() => history.value.filter(({ at }) => at >= since), [history.value, since]);
  const told = useMemo(
    () =>
      entries
        .filter(({ fields, name }) => fields['operation'] === rollout.id || name.startsWith('alarm'))
        .slice(-30)
        .toReversed(),
    [entries],
  );
  return (
    <>
      <div class="page-head">
        <h1>
          Rollout <span class="muted">of</span>{' '}
          <span class="mono">{rollout.version === '' ? 'the deployed version' : rollout.version}</span>
        </h1>
        <span class={`chip ${rollout.failure === null ? 'running' : 'failed'}`}>{PHASES[rollout.phase]}</span>
        <span class="muted">for {seconds(now.value - rollout.startedAt)}</span>
      </div>
      <Side title="Old" about="drain" buckets={view.old} snapshot={snapshot} empty="No old node is left." />
      <section class={`decision ${rollout.failure === null ? '' : 'failed'}`} aria-label="What is to be decided">
        <p role="status">{decision.text}</p>
        <div class="buttons">
          {decision.offer === 'pause' && <ActionButton action={actions.pause} />}
          {decision.offer === 'resume' && <ActionButton action={actions.resume} primary />}
          {decision.alsoUndo && <ActionButton action={actions.undo} />}
        </div>
        <div
          class="progress"
          role="progressbar"
          aria-label="Shards on the new nodes"
          aria-valuenow={view.moved}
          aria-valuemin={0}
          aria-valuemax={view.total}
        >
          <i style={{ width: percent(view.moved, view.total).replace(' ', '') }} />
        </div>
        <p class="muted">
          {count(view.moved)} of {counted(view.total, 'shard')} on the new nodes ({percent(view.moved, view.total)})
        </p>
      </section>
      <Side title="New" about="fill" buckets={view.fresh} snapshot={snapshot} empty="The new nodes are starting." />
      <div class="columns">
        <Panel title="Stages and gates" class="wide">
          <ol class="stages">
            {view.stages.map((stage, at) => (
              <StageLine
                key={at}
                stage={stage}
                gate={stage.state === 'baking' || stage.state === 'failed' ? rollout.gate : null}
              />
            ))}
          </ol>
          {view.stages.length === 0 && <Empty>The stages are known when the new nodes are there.</Empty>}
          {rollout.leftAlone.length > 0 && (
            <p class="muted">
              Not launched here, so left alone:{' '}
              {rollout.leftAlone.map((id) => (
                <span key={id}>
                  <NodeLink id={id} />{' '}
                </span>
              ))}
            </p>
          )}
        </Panel>
        <div class="side">
          <Panel title="Gap of each move">
            <GapHistogram history={entries} />
          </Panel>
        </div>
      </div>
      <Panel title="What happened" aside={<Link to={{ page: 'operation', id: rollout.id }}>its life in lanes</Link>}>
        <Feed entries={told} empty="Nothing yet." />
      </Panel>
    </>
  );
}

const PHASES: Readonly<Record<LiveRollout['phase'], string>> = {
  surging: 'new nodes start',
  moving: 'shards move',
  baking: 'watched',
  reverting: 'going back',
  ending: 'ending',
};

function Side({
  title,
  about,
  buckets,
  snapshot,
  empty,
}: {
  title: string;
  about: string;
  buckets: readonly Bucket[];
  snapshot: LiveSnapshot;
  empty: string;
}): JSX.Element {
  const shards = buckets.reduce((sum, bucket) => sum + bucket.shards.length, 0);
  return (
    <Panel
      title={`${title} nodes ${about}`}
      aside={<span class="muted">{counted(shards, 'shard')}</span>}
      class={`side-of-rollout ${title.toLowerCase()}`}
    >
      {buckets.length === 0 && <Empty>{empty}</Empty>}
      <ul class="buckets">
        {buckets.map((bucket) => (
          <li key={bucket.id}>
            <span class="bucket-name">
              <NodeLink id={bucket.id} /> <span class="muted mono">{bucket.version ?? 'gone'}</span>
            </span>
            <ShardBar
              counts={countsOf(snapshot, bucket.shards)}
              total={Math.max(1, bucket.total)}
              label={`Node ${bucket.id}`}
            />
            <span class="number">
              {bucket.shards.length}
              <span class="muted"> / {bucket.total}</span>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const STATES: Readonly<Record<Stage['state'], string>> = {
  done: 'passed',
  moving: 'moving',
  baking: 'watched now',
  failed: 'failed',
  next: 'to come',
};

function StageLine({ stage, gate }: { stage: Stage; gate: LiveRollout['gate'] }): JSX.Element {
  return (
    <li
      class={stage.state}
      {...(stage.state === 'moving' || stage.state === 'baking' ? { 'aria-current': 'step' as const } : {})}
    >
      <b>{stage.name}</b> <span>{stage.goal}</span> <span class="muted">{stage.bake}</span>
      <span class={`chip ${stage.state}`}>{STATES[stage.state]}</span>
      {gate !== null && gate.text !== null && <p class="gate">{gate.text}</p>}
    </li>
  );
}

function NoRollout({ snapshot }: { snapshot: LiveSnapshot }): JSX.Element {
  const { deployed, running, quarantined, frozen } = snapshot.fleet.versions;
  const [kind, setKind] = useState<'careful' | 'fast' | 'manual'>('careful');
  const ended = snapshot.operations
    .filter((operation) => operation.kind === 'rollout')
    .toSorted((a, b) => b.startedAt - a.startedAt);
  const flags = kind === 'careful' ? {} : { [kind]: 'true' };
  return (
    <>
      <h1>Rollout</h1>
      <section class="decision" aria-label="What is to be decided">
        <p role="status">{decisionWithout(deployed, running, frozen)}</p>
        <div class="buttons">
          <ActionButton action={FETCH_VERSION} />
          <label>
            Gates{' '}
            <select value={kind} onChange={(event) => setKind(event.currentTarget.value as typeof kind)}>
              <option value="careful">careful: canary, 10 %, 50 %, all</option>
              <option value="fast">fast: one canary, then all</option>
              <option value="manual">manual: wait after each stage</option>
            </select>
          </label>
          <ActionButton action={rolloutStart(flags)} primary />
        </div>
      </section>
      <Panel title="Versions" aside={<CopyCommand command="dso deployedversion" />}>
        <dl class="pairs">
          <dt>Deployed</dt>
          <dd class="mono">{deployed ?? 'not known'}</dd>
          {running.map(({ version, nodes, shards }) => (
            <Row
              key={version}
              name={version === '' ? 'no version' : version}
              value={`${counted(nodes, 'node')}, ${counted(shards, 'shard')}`}
            />
          ))}
        </dl>
        {quarantined.length > 0 && (
          <>
            <h3>Reverted before</h3>
            <ul class="plain">
              {quarantined.map(({ version, reason, at }) => (
                <li key={version}>
                  <span class="mono">{version}</span> <span class="muted">on {dayTime(at)}:</span> {reason}
                </li>
              ))}
            </ul>
          </>
        )}
      </Panel>
      <Panel title="Rollouts before">
        {ended.length === 0 ? (
          <Empty>None lately.</Empty>
        ) : (
          ended.map((operation) => <OperationCard key={operation.id} operation={operation} />)
        )}
      </Panel>
      {history.value.length > 0 && (
        <Panel title="Gap of each move">
          <GapHistogram history={history.value} />
        </Panel>
      )}
    </>
  );
}

function Row({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <>
      <dt>
        Running <span class="mono">{name}</span>
      </dt>
      <dd>{value}</dd>
    </>
  );
}

function decisionWithout(
  deployed: string | null,
  running: LiveSnapshot['fleet']['versions']['running'],
  frozen: boolean,
): string {
  if (frozen)
    return 'Two rollouts were reverted one after the other, so none is begun without force. See what was wrong first.';
  const [most] = running;
  if (most === undefined) return 'No node runs, so there is nothing to replace.';
  if (deployed === null)
    return `The fleet runs ${most.version === '' ? 'a version without a name' : most.version}. Which version a new node would run is not known.`;
  if (running.length === 1 && most.version === deployed)
    return `The fleet runs the deployed version ${deployed}. Fetch a newer one?`;
  return `Version ${deployed} is deployed, and ${running
    .filter(({ version }) => version !== deployed)
    .map(({ version }) => version)
    .join(', ')} runs. Roll it out?`;
}
