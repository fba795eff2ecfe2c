/**
 * The page of a rollout: which nodes drain and which fill, how far each stage is, and the one decision that is open
 * now, as a sentence.
 */
import type { LiveRollout, LiveSnapshot } from '@dshard/api/live';
import { conditionOf, entryOf } from './fleet.js';
import { counted, seconds, span } from './text.js';

export type Bucket = {
  readonly id: string;
  readonly version: string | null;
  /** null: it is not here any more, or not yet. */
  readonly shards: readonly number[];
  /** How many places are drawn, so that what left stays visible as holes. */
  readonly total: number;
  readonly up: number;
};

export type Stage = {
  readonly name: string;
  readonly goal: string;
  readonly bake: string;
  readonly state: 'done' | 'moving' | 'baking' | 'failed' | 'next';
};

type Decision = {
  /** A sentence. */
  readonly text: string;
  readonly offer: 'pause' | 'resume' | 'undo' | null;
  readonly alsoUndo: boolean;
};

export type RolloutView = {
  readonly old: readonly Bucket[];
  readonly fresh: readonly Bucket[];
  readonly stages: readonly Stage[];
  readonly decision: Decision;
  readonly moved: number;
  readonly total: number;
};

/** How many shards each node of the rollout had at most while this page watched. */
export type Peaks = ReadonlyMap<string, number>;

export function rememberPeaks(before: Peaks, snapshot: LiveSnapshot): Peaks {
  if (snapshot.rollout === null) return before.size === 0 ? before : new Map();
  const next = new Map(before);
  const since = snapshot.rollout.startedAt;
  // What moved away before this page was opened had its place, too.
  const left = snapshot.history.filter(({ name, at }) => name === 'migrationCompleted' && at >= since);
  for (const id of idsOf(snapshot.rollout)) {
    const away = left.filter(({ fields }) => fields['origin'] === id).length;
    const shards = (entryOf(snapshot, id)?.shards.length ?? 0) + away;
    next.set(id, Math.max(next.get(id) ?? 0, shards));
  }
  return next;
}

function idsOf({ pairs, waiting, done }: LiveRollout): string[] {
  return [...pairs.flatMap((pair) => [pair.old, ...(pair.new === null ? [] : [pair.new])]), ...waiting, ...done];
}

export function rolloutView(snapshot: LiveSnapshot, rollout: LiveRollout, peaks: Peaks): RolloutView {
  const news = rollout.pairs.flatMap((pair) => (pair.new === null ? [] : [pair.new]));
  const earlier = [...nodesOfVersion(snapshot, rollout.version)].filter((id) => !news.includes(id));
  const fresh = [...earlier, ...news].map((id) => bucketOf(snapshot, id, peaks));
  const old = [...rollout.pairs.map((pair) => pair.old), ...rollout.waiting]
    .filter((id) => !earlier.includes(id))
    .map((id) => bucketOf(snapshot, id, peaks));
  const oldShards = sum(old);
  const moved = sum(fresh);
  const total = Math.max(moved + oldShards, 1);
  const share = Math.ceil(total / Math.max(1, fresh.length));
  return {
    old: old.map((each) => ({ ...each, total: Math.max(each.total, each.shards.length) })),
    // New nodes fill: places for their share are there from the beginning.
    fresh: fresh.map((each) => ({ ...each, total: Math.max(share, each.shards.length) })),
    stages: stagesOf(rollout),
    decision: decisionOf(snapshot, rollout),
    moved,
    total,
  };
}

function nodesOfVersion(snapshot: LiveSnapshot, version: string): string[] {
  if (version === '') return [];
  return snapshot.nodes.flatMap((node) =>
    node !== null && node.version === version && node.connection === 'connected' ? [node.id] : [],
  );
}

function bucketOf(snapshot: LiveSnapshot, id: string, peaks: Peaks): Bucket {
  const entry = entryOf(snapshot, id);
  const shards = entry?.shards ?? [];
  return {
    id,
    version: entry?.node.version ?? null,
    shards,
    total: Math.max(peaks.get(id) ?? 0, shards.length),
    up: shards.filter((shard) => conditionOf(snapshot, shard) === 'up').length,
  };
}

function sum(buckets: readonly Bucket[]): number {
  return buckets.reduce((total, { shards }) => total + shards.length, 0);
}

function stagesOf({ stages, stage, phase, failure }: LiveRollout): readonly Stage[] {
  return stages.map(({ shards, bakeMs }, at) => ({
    name: at === 0 && stages.length > 1 ? 'Canary' : at === stages.length - 1 ? 'All' : `Stage ${at + 1}`,
    goal: shards === null ? 'all that are left' : counted(shards, 'shard'),
    bake: bakeMs === 0 ? 'not watched' : `watched for ${span(bakeMs)}`,
    state: stateOf(at, { stage, phase, failed: failure !== null }),
  }));
}

function stateOf(
  at: number,
  { stage, phase, failed }: { stage: number; phase: LiveRollout['phase']; failed: boolean },
): Stage['state'] {
  if (phase === 'surging') return 'next';
  if (at < stage) return 'done';
  if (at > stage) return phase === 'ending' && !failed ? 'done' : 'next';
  if (failed) return 'failed';
  return phase === 'moving' || phase === 'baking' ? phase : 'done';
}

/** The one thing that somebody could decide now. */
function decisionOf(snapshot: LiveSnapshot, rollout: LiveRollout): Decision {
  const { phase, failure, pausedBy, version, gate, stage, stages } = rollout;
  const name = version === '' ? 'the new version' : `version ${version}`;
  if (failure !== null) {
    const why = failure.kind === 'undone' ? failure.reason : `${capital(name)} failed: ${failure.reason}`;
    return { text: `${sentence(why)} All shards go back to the old nodes.`, offer: null, alsoUndo: false };
  }
  if (pausedBy !== null) {
    return { text: `The rollout is paused by ${pausedBy}. Shall it go on?`, offer: 'resume', alsoUndo: true };
  }
  switch (phase) {
    case 'surging':
      return { text: `New nodes start; no shard has moved yet. Stop here?`, offer: 'pause', alsoUndo: true };
    case 'moving':
      return {
        text: `${stage === 0 && stages.length > 1 ? 'The canary moves' : 'Shards move'} to ${name}. Hold it here?`,
        offer: 'pause',
        alsoUndo: true,
      };
    case 'baking': {
      const until = gate?.until ?? null;
      const soFar = (gate?.text ?? 'nothing speaks against it so far').replace(/\.$/, '');
      if (until === null && gate !== null) {
        return { text: `${capital(name)} was watched: ${soFar}. Shall it go on?`, offer: 'resume', alsoUndo: true };
      }
      const left = until === null ? 0 : until - snapshot.now;
      const rest = left > 0 ? `It goes on by itself in ${seconds(left)}.` : 'It is watched a little longer.';
      return { text: `${capital(name)} is watched: ${soFar}. ${rest}`, offer: 'pause', alsoUndo: true };
    }
    case 'reverting':
      return { text: 'All shards go back to the old nodes.', offer: null, alsoUndo: false };
    case 'ending':
      return { text: `All shards run on ${name}. The old nodes end.`, offer: null, alsoUndo: false };
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
