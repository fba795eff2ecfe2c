/**
 * Spreads shards without being asked (the setting `rebalance`), and never thrashes:
 *
 * - A node that joined or came back, new or empty, is filled to the average as soon as it has been there for a moment.
 * - What has 1.5 times the average (`auto`: 1.25 times) is mended, 2 % of the shards and 8 at most, then not for a
 *   while.
 * - Nothing while an operation goes on, a shard moves or is not up, nodes are launched, most nodes are silent, or nodes
 *   run different versions.
 * - Nothing for a while after shards could not be moved, unless a node joins: each try may freeze a shard in vain.
 * - Not more than a few times in ten minutes: nodes that come and go do not keep shards on the move.
 */
import { disruptionOf } from '../migration/limits.js';
import { withLevels } from '../fleet/weights.js';
import { isConnected } from '../state/nodes.js';
import type { OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { excessOf, type Bounds } from './balance.js';
import { balanceOf, beginRebalance, keptFrom } from './rebalance.js';

/** How long a node has to be there before it is filled: others may join with it. */
const SETTLE_MS = 2_000;
const LOOK_EVERY_MS = 2_000;
const LOOK_AGAIN_MS = 500;
/** After a mend nothing is mended for so long; after moves that failed, nothing is moved. */
const COOL_DOWN_MS = 5 * 60_000;
const BURST_MS = 10 * 60_000;
const BURST = 6;
const START_AT = { join: 1.5, auto: 1.25 } as const;
const STOP_AT = 1.1;
const MOST = 8;
const SHARE = 0.02;

export function keepBalanced(tx: Transaction): void {
  const { balance, settings } = tx.state;
  if (settings.rebalance === 'off' || balance.notBefore > tx.now) return;
  const settledAt = settledAtOf(tx.state);
  if (isUnsettled(tx) || (settledAt !== null && settledAt > tx.now)) {
    const wakeUp = settledAt !== null && settledAt > tx.now ? settledAt : null;
    tx.patch({ balance: { ...balance, notBefore: wakeUp ?? tx.now + LOOK_AGAIN_MS, settledAt: wakeUp } });
    return;
  }
  const loads = withLevels(balance.loads);
  const looked = { ...balance, loads, notBefore: tx.now + LOOK_EVERY_MS, settledAt: null };
  tx.patch({ balance: looked });
  const begunAt = balance.begunAt.filter((at) => at > tx.now - BURST_MS);
  if (begunAt.length >= BURST || rests(tx) || keptFrom(tx) !== null) return;
  const wanted = wantedOf(tx, balanceOf(tx));
  if (wanted === null) return;
  const begun = beginRebalance(tx, { ...wanted, automatic: true }, { request: null, parent: null });
  if (!begun.ok || begun.operation === null) return;
  const mendNotBefore = wanted.fillOnly ? balance.mendNotBefore : tx.now + COOL_DOWN_MS;
  tx.patch({ balance: { ...looked, begunAt: [...begunAt, tx.now], mendNotBefore } });
}

function wantedOf(tx: Transaction, nodes: ReturnType<typeof balanceOf>): Bounds | null {
  const { rebalance, totalShards } = tx.state.settings;
  if (rebalance === 'off' || nodes.length < 2) return null;
  if (nodes.some(({ isNew }) => isNew)) return { fillOnly: true, most: Infinity, stopAt: 1 };
  if (tx.state.balance.mendNotBefore > tx.now || excessOf(nodes) <= START_AT[rebalance]) return null;
  const total = totalShards ?? tx.state.totalShards ?? 0;
  return { fillOnly: false, stopAt: STOP_AT, most: Math.min(MOST, Math.max(1, Math.ceil(total * SHARE))) };
}

/** Whether something is on its way that decides where shards are. */
function isUnsettled(tx: Transaction): boolean {
  const { state } = tx;
  if (state.ending !== null || state.graceUntil !== null || state.alarm !== null) return true;
  if (!tx.settings.ensureAllShardsRunning || state.totalShards === null) return true;
  if (state.launches.size > 0 || state.waitingMigrations.length > 0 || state.migrations.size > 0) return true;
  return state.operations.size > 0 || disruptionOf(state).down > 0;
}

/** What kept shards from being moved is likely to be there still: state that takes too long, say. */
function rests({ now, state }: Transaction): boolean {
  const { failedAt } = state.balance;
  return failedAt !== null && now < failedAt + COOL_DOWN_MS && (lastJoinedAt(state) ?? -Infinity) <= failedAt;
}

/** When the node that joined last has been there for long enough. */
function settledAtOf(state: OrchestratorState): number | null {
  const last = lastJoinedAt(state);
  return last === null ? null : last + SETTLE_MS;
}

function lastJoinedAt({ nodes }: OrchestratorState): number | null {
  let last: number | null = null;
  for (const node of nodes.values()) {
    if (isConnected(node) && node.joinedAt > (last ?? -Infinity)) last = node.joinedAt;
  }
  return last;
}
