/** What is remembered of rollouts that were reverted, and what a rollout under way means for the nodes of it. */
import { isConnected, isShuttingDown } from './nodes.js';
import { operationsOfKind } from './operations.js';
import type { NodeState, OrchestratorState } from './state.js';

/** A version that a rollout was reverted from: nothing of it is launched automatically while other nodes are up. */
export type QuarantinedVersion = {
  /** What a launch starts; '' where that is not known. */
  readonly version: string;
  /** What its nodes call themselves; null: none was ever connected. */
  readonly reported: string | null;
  readonly reason: string;
  readonly at: number;
};

export type RolloutMemory = {
  /** The newest last; a bounded number. */
  readonly quarantined: readonly QuarantinedVersion[];
  /** When the last reverts were. */
  readonly reverts: readonly number[];
  /** Two reverts one soon after the other: nothing is rolled out until somebody insists. */
  readonly frozen: boolean;
  /** The last rollout that replaced all that it was to replace: what is undone when none is under way. */
  readonly last: LastRollout | null;
  /** What launches start instead of the deployed version, because it was rolled out by name. null: the deployed one. */
  readonly launched: string | null;
};

/** Versions as they were launched; '' where that is not known. */
type LastRollout = {
  readonly operation: string;
  readonly from: string;
  readonly to: string;
  readonly endedAt: number;
};

export const NO_ROLLOUTS: RolloutMemory = { quarantined: [], reverts: [], frozen: false, last: null, launched: null };

/** What a launch that no rollout asks for starts now; '': not known. */
export function launchedVersion({ rollouts, deployedVersion }: OrchestratorState): string {
  return rollouts.launched ?? deployedVersion;
}

export function quarantineOf({ rollouts }: OrchestratorState, version: string): QuarantinedVersion | undefined {
  return version === '' ? undefined : rollouts.quarantined.find((each) => each.version === version);
}

export function isOfQuarantinedVersion({ rollouts, processes }: OrchestratorState, node: NodeState): boolean {
  if (rollouts.quarantined.length === 0) return false;
  const launched = processes.get(node.id)?.version ?? '';
  return rollouts.quarantined.some(
    ({ version, reported }) => (version !== '' && version === launched) || reported === node.version,
  );
}

/**
 * Whether a node is to be given nothing that nobody runs. As long as a new version has not proved itself, its nodes get
 * only what the rollout moves to them; when all is to move, the old ones get nothing more. A quarantined version is the
 * last resort.
 */
export function isHeldBack(state: OrchestratorState, node: NodeState): boolean {
  const [rollout] = operationsOfKind(state.operations, 'rollout');
  if (rollout !== undefined) {
    const isNew = rollout.destinations.includes(node.id);
    // An empty node is to end with the old ones: what it were given would stay on the old version.
    const isOld = !isNew && (rollout.empty.includes(node.id) || rollout.pairs.some(({ old }) => old === node.id));
    const trusted = trustsNew(state, rollout) ? 'new' : 'old';
    if (isNew && trusted === 'old') return rollout.pairs.some(({ old }) => isOpen(state, old));
    if (isOld && trusted === 'new') return true;
  }
  if (!isOfQuarantinedVersion(state, node)) return false;
  return [...state.nodes.values()].some(
    (other) => other !== node && isOpen(state, other.id) && !isOfQuarantinedVersion(state, other),
  );
}

/** The old node whose shards are all to move to this one: what nobody runs of their buckets goes there, too. */
export function replacedBy(state: OrchestratorState, node: string): string | null {
  const [rollout] = operationsOfKind(state.operations, 'rollout');
  if (rollout === undefined || !trustsNew(state, rollout)) return null;
  return rollout.pairs.find((pair) => pair.new === node)?.old ?? null;
}

/** The rollout under way that a node has to do with: no other operation takes it. */
export function rolloutOf({ operations }: OrchestratorState, node: string): Rollout | undefined {
  return operationsOfKind(operations, 'rollout').find(
    ({ pairs, waiting }) => waiting.includes(node) || pairs.some((pair) => pair.old === node || pair.new === node),
  );
}

type Rollout = ReturnType<typeof operationsOfKind<'rollout'>>[number];

/** All that bakes has baked but the rest, and none of the new nodes is lost. */
function trustsNew(state: OrchestratorState, { phase, stage, stages, destinations, failure }: Rollout): boolean {
  if (failure !== null || phase === 'surging' || stages[stage]?.shards !== null) return false;
  return destinations.every((id) => isOpen(state, id));
}

function isOpen({ nodes }: OrchestratorState, id: string): boolean {
  const node = nodes.get(id);
  return isConnected(node) && !isShuttingDown(node);
}
