/**
 * An operator starts shards on a node: all of them or, when one cannot be, none. By hand one may go over
 * maxShardsPerNode, use a cordoned node and take a shard out of its bucket. Answered when each of them runs there or
 * failed to.
 */
import type { CommandError } from '../state/commands.js';
import { drainedBy } from '../state/nodes.js';
import { isQuarantined } from './quarantine.js';
import { startOn } from './start.js';
import type { OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { type Checked, knownShard, refused, usableNode } from '../state/checks.js';

export function startShards(tx: Transaction, request: string, node: string, shards: readonly number[]): void {
  const wanted = [...new Set(shards)];
  const problem = problemOf(tx, node, wanted);
  if (problem !== null) {
    tx.reply(request, { ok: false, error: problem });
    return;
  }
  startOn(
    tx,
    node,
    wanted.filter((shard) => tx.shard(shard)?.kind === 'vacant'),
  );
  tx.setStartRequest(request, { node, waiting: wanted, failed: [] });
}

function problemOf(tx: Transaction, id: string, shards: readonly number[]): CommandError | null {
  const { state } = tx;
  const node = usableNode(state, id);
  if (!node.ok) return node.error;
  if (drainedBy(state, id) !== undefined) {
    return refused('DSO_NODE_BUSY', `Node ${id} is being drained, so it takes no shard.`).error;
  }
  if (shards.length === 0) return refused('DSO_NO_SHARDS_GIVEN', 'Name at least one shard to start.').error;
  const ours = state.settings.responsibleForShards && new Set(state.settings.responsibleForShards);
  for (const shard of shards) {
    if (ours?.has(shard) === false && state.shards[shard] !== undefined) {
      return refused('DSO_SHARD_NOT_OURS', `This orchestrator is not responsible for shard ${shard}.`).error;
    }
    const startable = startableOn(state, id, shard);
    if (!startable.ok) return startable.error;
    if (isQuarantined(tx, shard)) {
      const text = `Shard ${shard} is quarantined, because nodes died when it was started. Release it first.`;
      return refused('DSO_SHARD_QUARANTINED', text).error;
    }
  }
  return null;
}

function startableOn(state: OrchestratorState, node: string, shard: number): Checked<number> {
  const known = knownShard(state, shard);
  if (!known.ok) return known;
  const { value } = known;
  switch (value.kind) {
    case 'vacant':
      return { ok: true, value: shard };
    case 'parked':
      return refused('DSO_SHARD_BUSY', `Shard ${shard} is parked, and goes to the next node by itself.`);
    case 'migrating':
      return refused('DSO_SHARD_BUSY', `Shard ${shard} is being moved.`);
    case 'stopping':
      return refused('DSO_SHARD_BUSY', `Shard ${shard} is being stopped on node ${value.node}.`);
    case 'unreachable':
      return refused(
        'DSO_SHARD_RUNS_ELSEWHERE',
        `Shard ${shard} may still run on node ${value.node}, which is not connected.`,
      );
    case 'starting':
    case 'running':
      if (value.node === node) return { ok: true, value: shard };
      return refused('DSO_SHARD_RUNS_ELSEWHERE', `Shard ${shard} runs on node ${value.node}; migrate it instead.`);
  }
}

/** Answers those that are over. */
export function answerStartRequests(tx: Transaction): void {
  for (const [request, { node, waiting, failed }] of tx.state.startRequests) {
    const still: number[] = [];
    const lost = [...failed];
    for (const shard of waiting) {
      const state = tx.shard(shard);
      if (state?.kind === 'starting' && state.node === node) still.push(shard);
      else if (state?.kind !== 'running' || state.node !== node) lost.push(shard);
    }
    if (still.length > 0) {
      if (still.length < waiting.length) tx.setStartRequest(request, { node, waiting: still, failed: lost });
      continue;
    }
    tx.removeStartRequest(request);
    if (lost.length === 0) tx.done(request, `Started the shards on node ${node}.`, { node });
    else tx.fail(request, 'DSO_NODE_FAILED', `Node ${node} did not start shard(s) ${lost.join(', ')}.`);
  }
}
