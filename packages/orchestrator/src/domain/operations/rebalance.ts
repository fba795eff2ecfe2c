/**
 * Shards are spread evenly over the open nodes: the fewest moves that do (`balance.ts`), within the limits on moves.
 *
 * The moves are planned together and begun as the limits allow. When all are made the spread is looked at again, three
 * times at most. It ends when no move makes the spread better. An automatic one (`keep-balanced.ts`) is bounded in how
 * much it moves, and makes way for whatever an operator asks for. None goes on during a rollout, a drain, an alarm, or
 * while nodes run different versions: a rollout and a drain say where shards go.
 */
import { counted } from '@dshard/protocol';
import { limitOf } from '../fleet/expected.js';
import { isOpen } from '../fleet/next-node.js';
import { weightOf } from '../fleet/weights.js';
import { isUp } from '../shards/condition.js';
import { can } from '../state/nodes.js';
import type { OperationState } from '../state/operations.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { planMoves, type BalanceNode, type Bounds, type Unit } from './balance.js';
import { beginMove, waitReason, withMove } from './moves.js';
import { beginOperation, endOperation, letGo, notStarted } from './operation.js';
import type { Asked, Operation, Progress, Started } from './operation.js';

type Rebalance = OperationState<'rebalance'>;

/** A shard that moved rests for so long. */
const RESTS_MS = 30 * 60_000;
/** And does not go back for so long. */
const NO_WAY_BACK_MS = 120 * 60_000;
/** A node that is below the average counts as new for so long. */
const NEW_MS = 10 * 60_000;
const ROUNDS = 3;
/** Once the highest load is at most so many times the average, nothing more is moved. */
const STOP_AT = 1.1;

export const REBALANCE: Operation<'rebalance'> = {
  kind: 'rebalance',
  idPrefix: 'b',
  start(tx, _plan, asked) {
    const why = keptFrom(tx, asked.parent);
    if (why !== null) return notStarted('DSO_NODE_BUSY', `Nothing is rebalanced now: ${why}.`);
    return beginRebalance(tx, { automatic: false, fillOnly: false, stopAt: 1, most: Infinity }, asked);
  },
  step(tx, given) {
    const rebalance = withOutcomes(tx, given);
    const stopped = rebalance.stopped ?? keptFrom(tx, rebalance.parent, rebalance.id);
    if (stopped !== rebalance.stopped) tx.patchOperation(rebalance.id, { stopped, deadline: null });
    if (stopped === null) beginMoves(tx, rebalance);
    const now = tx.state.operations.get(rebalance.id);
    if (now?.kind !== 'rebalance' || now.outcomes.length > 0 || movingOf(tx.state, now).length > 0) return;
    if (now.stopped !== null) endRebalance(tx, now, now.stopped);
    else if (now.pending.length === 0) nextRound(tx, now);
  },
  overdue(tx, { id, stopped, pending }) {
    const why =
      waitReason(
        tx.state,
        pending.map(({ shard }) => shard),
      ) ?? 'their nodes have no room';
    const text = `no shard could be moved for ${tx.settings.budgetTimeoutMs} ms: ${why}`;
    tx.patchOperation(id, { stopped: stopped ?? text, deadline: null });
  },
  status(state, rebalance): Progress {
    const { moved, failed, pending, deadline } = rebalance;
    const moving = movingOf(state, rebalance);
    const waiting = pending.map(({ shard }) => shard);
    const total = moved.length + failed.length + moving.length + waiting.length;
    return {
      text: `Spreading shards evenly: ${moved.length} of ${total} moved.`,
      waitsFor: deadline === null ? null : waitReason(state, waiting),
      origin: null,
      destination: null,
      shards: { moved: moved.length, total, moving, waiting },
      failed,
      nodes: null,
    };
  },
  cancel: ({ id }) => ({ ok: true, text: `Rebalancing (${id}) is cancelled: no further shard is moved.` }),
  end: endRebalance,
};

/** Why nothing is spread now; null: it may be. @param own the operations that do not count. */
export function keptFrom(tx: Transaction, ...own: readonly (string | null)[]): string | null {
  const { state } = tx;
  if (state.alarm !== null) return 'most nodes are silent';
  for (const { id, kind } of state.operations.values()) {
    if (!own.includes(id)) return `${kind} ${id} is under way`;
  }
  if (tx.settings.bucketsPerNode > 0) return 'each node has shards of its own (bucketsPerNode)';
  const versions = new Set(openNodes(tx).map(({ version }) => version));
  return versions.size > 1 ? `nodes run different versions (${[...versions].join(', ')})` : null;
}

type Wanted = Bounds & { automatic: boolean };

/** `operation` null: no move makes the spread better. */
export function beginRebalance(tx: Transaction, wanted: Wanted, asked: Asked): Started {
  const { automatic, fillOnly } = wanted;
  const pending = planMoves(nodesOf(tx, wanted), wanted);
  if (pending.length === 0) {
    return { ok: true, operation: null, message: `No move would spread the shards better: ${spreadOf(tx)}.` };
  }
  const most = Number.isFinite(wanted.most) ? wanted.most - pending.length : Number.MAX_SAFE_INTEGER;
  const data = { origins: [], destinations: [], automatic, fillOnly, rounds: ROUNDS - 1, most, pending } as const;
  const moves = { moved: [], failed: [], retried: [] } as const;
  const message = `Moving ${counted(pending.length, 'shard')} to spread the shards evenly: ${spreadOf(tx)} now.`;
  const facts = { shards: pending.map(({ shard }) => shard), fillOnly };
  const operation = beginOperation(tx, REBALANCE, asked, { ...data, ...moves }, { text: message, facts });
  return { ok: true, operation, message };
}

/** Ends one that nobody asked for; what is on its way arrives as nobody's step. */
export function makeWay(tx: Transaction, why: string): void {
  for (const operation of tx.state.operations.values()) {
    if (operation.kind !== 'rebalance' || !operation.automatic) continue;
    letGo(tx, operation.id);
    endRebalance(tx, operation, why);
  }
}

function openNodes(tx: Transaction): readonly NodeState[] {
  return [...tx.state.nodes.values()].filter((node) => isOpen(tx, node));
}

/** The open nodes as they will be when what is on its way has arrived. */
function nodesOf(
  tx: Transaction,
  { automatic }: { automatic: boolean },
  failed: readonly number[] = [],
): BalanceNode[] {
  const { loads } = tx.state.balance;
  const arriving = new Map<string, number[]>();
  for (const { destination, shard } of tx.state.migrations.values()) {
    arriving.set(destination, [...(arriving.get(destination) ?? []), shard]);
  }
  const stay = new Set(failed);
  const limit = limitOf(tx) ?? Infinity;
  const weigh = (shards: readonly number[]): number => shards.reduce((sum, shard) => sum + weightOf(loads, shard), 0);
  // Without live moves a shard closes while it moves: that is for somebody to ask for.
  const open = openNodes(tx).filter((node) => !automatic || can(node, 'live-migration'));
  const nodes = open.map((node) => {
    const shards = [...tx.shardsOf(node.id), ...(arriving.get(node.id) ?? [])];
    const mayMove = (shard: number): boolean => !stay.has(shard) && isUp(tx.state, shard) && isRunning(tx, shard);
    const units = unitsOf(tx, tx.shardsOf(node.id)).filter((unit) => unit.shards.every(mayMove));
    const { id, host, zone } = node;
    return { id, host, zone, load: weigh(shards), movable: units, room: limit - shards.length, count: shards.length };
  });
  const average = nodes.reduce((sum, { load }) => sum + load, 0) / Math.max(1, nodes.length);
  return nodes.map(({ count, ...node }) => {
    const isYoung = (tx.node(node.id)?.joinedAt ?? 0) > tx.now - NEW_MS;
    return { ...node, isNew: count === 0 || (isYoung && node.load < average) };
  });
}

function isRunning(tx: Transaction, shard: number): boolean {
  return tx.shard(shard)?.kind === 'running';
}

/** What moves together: the shards of a bucket. */
function unitsOf(tx: Transaction, shards: readonly number[]): Unit[] {
  const buckets = new Map<number, number[]>();
  for (const shard of shards) {
    const bucket = Math.floor(shard / tx.settings.bucketSize);
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), shard]);
  }
  const { loads, moved } = tx.state.balance;
  return [...buckets.values()].map((unit) => {
    const last = unit.flatMap((shard) => moved.get(shard) ?? []).toSorted((a, b) => b.at - a.at)[0];
    return {
      shards: unit,
      weight: unit.reduce((sum, shard) => sum + weightOf(loads, shard), 0),
      rests: last !== undefined && last.at > tx.now - RESTS_MS,
      cameFrom: last !== undefined && last.at > tx.now - NO_WAY_BACK_MS ? last.from : null,
    };
  });
}

/** For whoever plans: the spread that there is, and what is to be done about it. */
export function balanceOf(tx: Transaction): readonly BalanceNode[] {
  return nodesOf(tx, { automatic: true });
}

function withOutcomes(tx: Transaction, rebalance: Rebalance): Rebalance {
  if (rebalance.outcomes.length === 0) return rebalance;
  const next = { ...rebalance.outcomes.reduce(withMove, rebalance), outcomes: [] };
  tx.setOperation(next);
  return next;
}

function beginMoves(tx: Transaction, rebalance: Rebalance): void {
  let isBlocked = false;
  const begun: Rebalance['pending'][number][] = [];
  const left = rebalance.pending.filter((move) => {
    if (!isPossible(tx, move)) return false;
    const began = beginMove(tx, rebalance, move.shard, () => move.destination);
    if (began === 'begun') begun.push(move);
    else if (began === 'blocked') isBlocked = true;
    return began !== 'begun';
  });
  const isMoving = movingOf(tx.state, rebalance).length > 0;
  const deadline = isBlocked && !isMoving ? (rebalance.deadline ?? tx.now + tx.settings.budgetTimeoutMs) : null;
  if (begun.length > 0) noteMoved(tx, begun);
  const now = tx.state.operations.get(rebalance.id);
  if (now?.kind !== 'rebalance') return;
  if (left.length < now.pending.length || deadline !== now.deadline) {
    tx.setOperation({ ...now, pending: left, deadline });
  }
}

/** The shard is where it was when the move was planned, and the destination may still have it. */
function isPossible(tx: Transaction, { shard, origin, destination }: Rebalance['pending'][number]): boolean {
  const state = tx.shard(shard);
  const target = tx.node(destination);
  return state?.kind === 'running' && state.node === origin && target !== undefined && isOpen(tx, target);
}

function noteMoved(tx: Transaction, begun: Rebalance['pending']): void {
  const { balance } = tx.state;
  const kept = [...balance.moved].filter(([, { at }]) => at > tx.now - NO_WAY_BACK_MS);
  const moved = new Map([...kept, ...begun.map(({ shard, origin }) => [shard, { at: tx.now, from: origin }] as const)]);
  tx.patch({ balance: { ...balance, moved } });
}

function movingOf(state: OrchestratorState, { id }: Rebalance): readonly number[] {
  return [...state.migrations.values()].flatMap(({ operation, shard }) => (operation === id ? [shard] : []));
}

/** All that was planned is made, or has become impossible: the spread is looked at again. */
function nextRound(tx: Transaction, rebalance: Rebalance): void {
  const { automatic, fillOnly, rounds, most, failed } = rebalance;
  const bounds = { fillOnly, most, stopAt: automatic ? STOP_AT : 1 };
  const nodes = nodesOf(
    tx,
    { automatic },
    failed.map(({ shard }) => shard),
  );
  const pending = rounds === 0 ? [] : planMoves(nodes, bounds);
  if (pending.length === 0) endRebalance(tx, rebalance, null);
  else tx.setOperation({ ...rebalance, pending, rounds: rounds - 1, most: most - pending.length });
}

function endRebalance(tx: Transaction, rebalance: Rebalance, failure: string | null): void {
  const { moved, failed, retried, automatic } = rebalance;
  const hasFailed = failure === null && retried.some((shard) => !moved.includes(shard));
  if (automatic && hasFailed) tx.patch({ balance: { ...tx.state.balance, failedAt: tx.now } });
  const [first] = failed;
  const shards = failed.map(({ shard }) => shard);
  const notMoved = first === undefined ? null : `could not move shard(s) ${shards.join(', ')} (${first.reason})`;
  const why = failure ?? notMoved;
  const head = `Moved ${counted(moved.length, 'shard')} to spread the shards`;
  const text = why === null ? `${head}: ${spreadOf(tx)}.` : `${head}, then stopped: ${why}. ${capital(spreadOf(tx))}.`;
  // Nobody asked for it, so nobody is to mend it: a later look finds what is left.
  const isFailure = !automatic || rebalance.cancelled !== null;
  const figures = { moved: moved.length, failed: failed.length };
  endOperation(tx, rebalance, isFailure ? why : null, { text, figures, facts: { moved, failed: shards } });
}

function spreadOf(tx: Transaction): string {
  const counts = openNodes(tx).map(({ id }) => tx.loadOf(id));
  if (counts.length === 0) return 'no node is open';
  const [least, greatest] = [Math.min(...counts), Math.max(...counts)];
  const each = least === greatest ? `${least}` : `${least} to ${greatest}`;
  return `${counted(counts.length, 'node')} with ${each} shards`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
