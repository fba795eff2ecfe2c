/** What is wrong with rollouts: nobody may begin one, one goes no further, or a bad version would be launched. */
import { waitReason } from '../operations/rollout-phases.js';
import { nameOf } from '../operations/rollout-plan.js';
import type { Rollout } from '../operations/rollout-round.js';
import { operationsOfKind } from '../state/operations.js';
import type { OrchestratorState } from '../state/state.js';
import { launchedVersion, quarantineOf } from '../state/versions.js';
import type { Trouble } from './alarms.js';

/** Its kind is its key. */
type Told = Omit<Trouble, 'key'> & { key?: never };

export function rolloutTroubles(state: OrchestratorState): readonly Told[] {
  const told = [rolloutsFrozen(state), rolloutStands(state), versionQuarantined(state)];
  return told.flatMap((each) => each ?? []);
}

function trouble(kind: Trouble['kind'], since: number | null, reason: string): Told {
  return { kind, since, reason, shards: [], nodes: [] };
}

function rolloutsFrozen({ rollouts }: OrchestratorState): Told | null {
  if (!rollouts.frozen) return null;
  const last = rollouts.quarantined.at(-1);
  const why = last === undefined ? '' : ` The last one: ${last.reason}.`;
  const reason = `Two rollouts were reverted one soon after the other, so none is begun.${why}`;
  return trouble('rolloutsFrozen', rollouts.reverts.at(-1) ?? null, reason);
}

function rolloutStands(state: OrchestratorState): Told | null {
  const [rollout] = operationsOfKind(state.operations, 'rollout');
  const why = rollout === undefined ? null : standsBecause(state, rollout);
  if (rollout === undefined || why === null) return null;
  const reason = `Rollout ${rollout.id} of ${nameOf(rollout.version)} goes no further, with nodes of two versions up: ${why}.`;
  return trouble('rolloutStands', null, reason);
}

function standsBecause(state: OrchestratorState, rollout: Rollout): string | null {
  const { pausedBy, phase, options, promoted } = rollout;
  if (pausedBy !== null) return `it was paused by ${pausedBy}`;
  if (phase === 'baking') return options.manual && !promoted ? 'it waits for somebody to promote the stage' : null;
  return phase === 'moving' ? waitReason(state, rollout) : null;
}

/** Launches that nobody asks for are held back for it, as long as a node is up. */
function versionQuarantined(state: OrchestratorState): Told | null {
  const known = quarantineOf(state, launchedVersion(state));
  if (known === undefined) return null;
  const reason = `Version ${known.version} is what launches would start, and it was reverted: ${known.reason}.`;
  return trouble('versionQuarantined', known.at, reason);
}
