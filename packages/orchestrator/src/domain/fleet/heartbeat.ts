/**
 * A heartbeat is the node's full state. What it names is believed (`claims.ts`); a shard it should run and does not name twice
 * in a row is vacant (once may be a heartbeat that was on its way).
 */
import type { MessageOf, ShardReport } from '@dshard/protocol';
import { isPossibleEpoch } from '../state/epochs.js';
import { claim } from './claims.js';
import { isShuttingDown } from '../state/nodes.js';
import { vacate } from '../shards/vacate.js';
import type { Transaction } from '../state/transaction.js';
import { noteCheckpoints } from './checkpoints.js';
import { noteResumes } from './progress.js';

export function onHeartbeat(tx: Transaction, id: string, said: MessageOf<'heartbeat'>): void {
  const node = tx.node(id);
  if (node === undefined) return;
  const message = { ...said, shards: oneOfEach(tx, said.shards) };
  tx.setNode({ ...node, shardReports: message.shards, process: message.process });
  tx.send(id, { kind: 'heartbeatAck', sequence: message.sequence });
  noteCheckpoints(tx, id, message);
  if (isShuttingDown(node)) return;
  const named = new Set<number>();
  const unbelieved: number[] = [];
  for (const report of message.shards) {
    named.add(report.shardId);
    if (!isPossibleEpoch(tx.state, report.epoch ?? 0, tx.now)) unbelieved.push(report.shardId);
    else if (isForeign(tx, id, report)) claim(tx, id, report.shardId, report.epoch);
  }
  if (unbelieved.length > 0) {
    const why = `it names shard(s) ${unbelieved.join(', ')} under epochs that nobody can have given. Is a clock wrong?`;
    tx.record('protocolViolation', 'warn', `Node ${id} sent heartbeat: ${why}`, {
      node: id,
      message: 'heartbeat',
      why,
    });
  }
  noteResumes(tx, id, message.shards);
  noticeMissing(tx, id, named);
}

/** Of shards that there are, one report each: a list is as long as its sender likes. */
function oneOfEach(tx: Transaction, reports: readonly ShardReport[]): readonly ShardReport[] {
  const seen = new Set<number>();
  return reports.filter(({ shardId }) => {
    const isNew = !seen.has(shardId) && tx.shard(shardId) !== undefined;
    seen.add(shardId);
    return isNew;
  });
}

/** Whether the node names a shard that is not its own. A frozen one is a hand-over of its, held until it is confirmed. */
function isForeign(tx: Transaction, id: string, { shardId, phase }: ShardReport): boolean {
  if (phase === 'frozen') return false;
  const state = tx.shard(shardId);
  if (state === undefined) return false;
  if (state.kind !== 'migrating') return state.kind === 'vacant' || state.node !== id;
  const migration = tx.state.migrations.get(state.migration);
  // Once the destination is told to resume it, an origin that serves the shard has gone on by itself.
  if (migration?.origin === id) return migration.step.kind === 'activating';
  return migration?.destination !== id;
}

function noticeMissing(tx: Transaction, id: string, named: ReadonlySet<number>): void {
  const before = tx.node(id)?.missing ?? [];
  const missing: number[] = [];
  const vacated: number[] = [];
  for (const shard of tx.shardsOf(id)) {
    if (named.has(shard) || tx.shard(shard)?.kind !== 'running') continue;
    if (before.includes(shard)) {
      vacate(tx, shard, null);
      vacated.push(shard);
    } else {
      missing.push(shard);
    }
  }
  if (missing.length > 0 || before.length > 0) tx.patchNode(id, { missing });
  if (vacated.length === 0) return;
  const text = `Node ${id} does not name shard(s) ${vacated.join(', ')} in its heartbeats any more.`;
  tx.record('shardVacant', 'warn', text, { node: id, shards: vacated });
}
