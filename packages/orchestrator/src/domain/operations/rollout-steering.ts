/** What an operator says to the rollout under way: `dso rollout pause`, `resume` and `undo`. */
import { operationsOfKind } from '../state/operations.js';
import type { Transaction } from '../state/transaction.js';
import { beginRevert } from './rollout-revert.js';
import type { Rollout } from './rollout-round.js';

export type Steering = 'pause' | 'resume' | 'undo';

export function steerRollout(tx: Transaction, request: string, action: Steering): void {
  const [rollout] = operationsOfKind(tx.state.operations, 'rollout');
  if (rollout === undefined) {
    const text =
      action === 'undo' ? ' One that has ended is undone by deploying the version before, and a rollout.' : '';
    return tx.fail(request, 'DSO_NO_ROLLOUT', `No rollout is under way.${text}`);
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
