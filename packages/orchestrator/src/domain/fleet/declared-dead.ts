/**
 * Somebody says that nodes are dead: a person, or a scheduler that knows that a host is gone. Nobody waits for their
 * silence then; their shards are vacant at once, and resumed elsewhere from their last cursors. Should a node live, it
 * hears of that when it is in touch again, and lets go.
 */
import { counted } from '@dshard/protocol';
import { knownNode } from '../state/checks.js';
import { hasConnection } from '../state/nodes.js';
import { ownerOf } from '../state/migrations.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import { survey } from '../state/survey.js';
import type { Transaction } from '../state/transaction.js';
import { isOverdue } from './alarm.js';
import { confirmGone } from './leave.js';
import { cutOff } from './lost.js';

/** Whether the node is in touch, as far as is known now. Two heartbeats missed are enough to believe that it is not. */
export function seemsAlive(
  { settings: { heartbeatIntervalMs } }: Pick<OrchestratorState, 'settings'>,
  node: NodeState,
  now: number,
): boolean {
  return hasConnection(node) && !isOverdue(node, heartbeatIntervalMs, now);
}

/** The shards that these nodes own, those that move included. */
export function shardsOwnedBy(state: OrchestratorState, nodes: readonly string[]): readonly number[] {
  const { byNode } = survey(state.shards);
  const moving = [...state.migrations.values()].filter((migration) => nodes.includes(ownerOf(migration)));
  const all = [...nodes.flatMap((node) => byNode.get(node) ?? []), ...moving.map(({ shard }) => shard)];
  return all.toSorted((a, b) => a - b);
}

export function declareDead(tx: Transaction, nodes: readonly string[]): void {
  for (const node of nodes) {
    cutOff(tx, node, 'DSO_NODE_DECLARED_DEAD', `${tx.by} says that node ${node} is dead.`);
    confirmGone(tx, node, `${tx.by} says that it is dead`);
  }
}

/** One node, and an answer at once. */
export function takeOverNode(tx: Transaction, request: string, id: string): void {
  const known = knownNode(tx.state, id);
  if (!known.ok) return tx.reply(request, known);
  if (seemsAlive(tx.state, known.value, tx.now)) {
    return tx.fail(request, 'DSO_NODE_CONNECTED', `Node ${id} is connected; to end it, shut it down.`);
  }
  const shards = shardsOwnedBy(tx.state, [id]);
  declareDead(tx, [id]);
  const text = `Node ${id} counts as dead; others take over ${counted(shards.length, 'shard')} from it.`;
  tx.done(request, text, { node: id, shards });
}
