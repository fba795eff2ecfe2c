/** How far a rollout is, in words and figures. */
import { counted } from '@dshard/protocol';
import { isUp } from '../shards/condition.js';
import type { OrchestratorState } from '../state/state.js';
import type { Progress } from './operation.js';
import { verdictOf, waitReason } from './rollout-phases.js';
import { nameOf } from './rollout-plan.js';
import { comingTo, oldNodes, shardsOn, type Rollout } from './rollout-round.js';

export function rolloutProgress(state: OrchestratorState, rollout: Rollout): Progress {
  const { waiting, done, moved, movedBefore, pairs, destinations, phase } = rollout;
  const isBack = rollout.failure !== null;
  const moving = [...state.migrations.values()].filter(({ operation }) => operation === rollout.id);
  const left = isBack ? shardsOn(state, destinations) : shardsOn(state, [...oldNodes(rollout), ...waiting]);
  const arrived = isBack ? moved.length - left.length : movedBefore + shardsOn(state, destinations).length;
  const nodes = done.length + pairs.length + waiting.length;
  return {
    text: `${done.length} of ${counted(nodes, 'node')} replaced. ${textOf(state, rollout)}`.trim(),
    waitsFor: phase === 'moving' || rollout.pausedBy !== null ? waitReason(state, rollout) : null,
    origin: pairs[0]?.old ?? null,
    destination: pairs[0]?.new ?? null,
    shards: {
      moved: Math.max(0, arrived),
      total: Math.max(0, arrived) + moving.length + left.length,
      moving: moving.map(({ shard }) => shard),
      waiting: left,
    },
    failed: [],
    nodes: { done: done.length, total: nodes },
  };
}

function textOf(state: OrchestratorState, rollout: Rollout): string {
  const { phase, version, stages, stage, destinations, failure, promoted, options, pairs } = rollout;
  const there = shardsOn(state, destinations).length;
  const total = there + comingTo(state, destinations) + shardsOn(state, oldNodes(rollout)).length;
  const goal = stages[stage]?.shards ?? total;
  switch (phase) {
    case 'surging': {
      if (pairs.length === 0) return '';
      const up = pairs.filter((pair) => pair.new !== null).length;
      return `Waiting for ${counted(pairs.length, 'new node')}: ${up} there.`;
    }
    case 'moving':
      return `Stage ${stage + 1} of ${stages.length}: ${there} of ${counted(goal, 'shard')} moved.`;
    case 'baking': {
      const up = shardsOn(state, destinations).filter((shard) => isUp(state, shard)).length;
      const isKept = options.keepOld > 0 && stage + 1 === stages.length && rollout.waiting.length === 0;
      const kept = isKept ? ` Then the old nodes stay for ${options.keepOld / 1000} s: \`dso rollout undo\`.` : '';
      const held = options.manual && !promoted ? ' Go on with `dso rollout resume`.' : '';
      return `Watching ${nameOf(version)} with ${counted(there, 'shard')}, ${up} up (stage ${stage + 1} of ${stages.length}).${kept}${held}`;
    }
    case 'reverting':
      return `Going back to the old nodes: ${counted(there, 'shard')} left. ${failure?.reason ?? ''}`;
    case 'ending':
      return failure === null ? 'The old nodes are ending.' : 'All shards are back; the new nodes are ending.';
  }
}

export type Gate = {
  verdict: 'passed' | 'failed' | 'undecided';
  text: string | null;
  /** When the stage is over, if nothing fails by then. null: it waits for somebody. */
  until: number | null;
};

/** What the gates say so far of the stage that is watched. null: none is. */
export function gateOf(state: OrchestratorState, rollout: Rollout, now: number): Gate | null {
  const { phase, failure, deadline, pausedBy, options, promoted } = rollout;
  if (failure?.kind === 'gate') return { verdict: 'failed', text: failure.reason, until: null };
  if (phase !== 'baking') return null;
  const held = pausedBy !== null || (options.manual && !promoted);
  const until = held ? null : deadline;
  const verdict = verdictOf(state, rollout, now);
  if (verdict === 'pass') return { verdict: 'passed', text: null, until };
  if (verdict === 'wait') return { verdict: 'undecided', text: 'shards that moved are not all up yet', until };
  return { verdict: 'failed', text: verdict.fail, until: null };
}
