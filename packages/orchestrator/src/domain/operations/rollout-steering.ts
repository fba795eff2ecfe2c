/** What an operator says to the rollout under way: `dso rollout pause`, `resume` and `undo`. */
import { operationsOfKind, type RolloutOptions } from '../state/operations.js';
import type { Transaction } from '../state/transaction.js';
import { makeWay } from './rebalance.js';
import { NO_VERSIONS, WITHOUT_BAKE } from './rollout-plan.js';
import { beginRevert } from './rollout-revert.js';
import type { Rollout } from './rollout-round.js';
import { ROLLOUT } from './rollout.js';

export type Steering = 'pause' | 'resume' | 'undo';

export function steerRollout(tx: Transaction, request: string, action: Steering): void {
  const [rollout] = operationsOfKind(tx.state.operations, 'rollout');
  if (rollout === undefined) {
    if (action === 'undo') return undoEnded(tx, request);
    return tx.fail(request, 'DSO_NO_ROLLOUT', 'No rollout is under way.');
  }
  const { id, failure, phase } = rollout;
  if (failure !== null) return tx.fail(request, 'DSO_ROLLOUT_PHASE', `Rollout ${id} is going back already.`);
  if (phase === 'ending') {
    const text = `The old nodes of rollout ${id} are ending: deploy the version before, and roll that out.`;
    return tx.fail(request, 'DSO_ROLLOUT_PHASE', text);
  }
  const said = STEER[action](tx, rollout);
  if (said.ok) tx.done(request, said.text, { operation: id });
  else tx.fail(request, 'DSO_ROLLOUT_PHASE', said.text);
}

/** Going back is urgent: one canary for a short while, then all. */
const BACK: Omit<RolloutOptions, 'to'> = { ...WITHOUT_BAKE, bake: 60_000, surge: null, fast: true, force: true };

/** Its old processes are gone with it, so the version before is launched anew. */
function undoEnded(tx: Transaction, request: string): void {
  const { rollouts, settings } = tx.state;
  const { last } = rollouts;
  if (last === null) {
    return tx.fail(request, 'DSO_NO_ROLLOUT', 'No rollout is under way, and none is remembered that could be undone.');
  }
  const ended = `Rollout ${last.operation} has ended, and its old processes with it.`;
  const deploy = 'Deploy the version before, and `dso rollout`.';
  if (!settings.launchesVersions) {
    const before = last.from === '' ? 'the version before' : `version ${last.from}`;
    return tx.fail(request, 'DSO_VERSION_NOT_LAUNCHABLE', `${ended} To go back, ${before} is launched: ${NO_VERSIONS}`);
  }
  if (last.from === '' || last.from === last.to) {
    const why = last.from === '' ? 'Nobody knows which version they were' : `They were version ${last.from} as well`;
    const name = 'name your versions (launcher.version, launcher.versionCommand) for the next time';
    return tx.fail(request, 'DSO_VERSION_NOT_LAUNCHABLE', `${ended} ${why}: ${name}. ${deploy}`);
  }
  makeWay(tx, `${tx.by} undoes a rollout`);
  const started = ROLLOUT.start(tx, { ...BACK, to: last.from }, { request: null, parent: null });
  if (!started.ok) return tx.reply(request, started);
  const { operation, message } = started;
  const id = operation === null ? '' : ` It is operation ${operation}: \`dso operations watch ${operation}\`.`;
  tx.done(request, `${ended} Another rollout goes back. ${message}${id}`, { operation });
}

type Said = { ok: boolean; text: string };

const STEER: { readonly [A in Steering]: (tx: Transaction, rollout: Rollout) => Said } = {
  pause(tx, rollout) {
    const { id, pausedBy } = rollout;
    if (pausedBy !== null) return { ok: false, text: `Rollout ${id} is paused already, by ${pausedBy}.` };
    const text = `Rollout ${id} is paused: moves under way arrive, and no other begins. Gates still hold.`;
    say(tx, { ...rollout, pausedBy: tx.by }, text);
    return { ok: true, text };
  },
  /** A bake begins anew, for nobody knows for how long it was paused. */
  resume(tx, rollout) {
    const { id, pausedBy, phase, options, promoted } = rollout;
    if (pausedBy !== null) {
      const text = `Rollout ${id} goes on.`;
      say(tx, { ...rollout, pausedBy: null, deadline: null }, text);
      return { ok: true, text };
    }
    if (!options.manual || phase !== 'baking' || promoted) return { ok: false, text: `Rollout ${id} is not paused.` };
    const text = `Rollout ${id} goes on when its bake is over.`;
    say(tx, { ...rollout, promoted: true }, text);
    return { ok: true, text };
  },
  undo(tx, rollout) {
    beginRevert(tx, rollout, 'undone', `it was undone by ${tx.by}`);
    return { ok: true, text: `Rollout ${rollout.id} is undone: what it moved goes back to the old nodes.` };
  },
};

function say(tx: Transaction, rollout: Rollout, text: string): void {
  tx.setOperation(rollout);
  tx.record('operationProgress', 'info', text, { operation: rollout.id, kind: rollout.kind });
}
