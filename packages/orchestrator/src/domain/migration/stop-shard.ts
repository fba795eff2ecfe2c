/** An operator stops one shard, whatever it is in the middle of. */
import { stopMoving } from './failure.js';
import { unqueue } from '../shards/start.js';
import { afterwards, beginStop } from '../shards/stop.js';
import { vacate } from '../shards/vacate.js';
import { migrationOf } from './steps.js';
import type { Transaction } from '../state/transaction.js';
import { knownShard } from '../state/checks.js';

export function stopShard(tx: Transaction, request: string, shard: number): void {
  const known = knownShard(tx.state, shard);
  if (!known.ok) {
    tx.reply(request, known);
    return;
  }
  const migration = migrationOf(tx, shard);
  if (migration !== undefined && stopMoving(tx, migration, request)) return;
  unqueue(tx, shard);
  const state = tx.shard(shard);
  switch (state?.kind) {
    case 'running':
      beginStop(tx, shard, state.node, request, null);
      break;
    case 'starting':
      beginStop(tx, shard, state.node, request, state.known);
      break;
    case 'vacant':
      if (known.value.kind === 'vacant') {
        tx.fail(request, 'DSO_SHARD_NOT_RUNNING', `No node runs shard ${shard}.`);
      } else {
        vacate(tx, shard, state.known, tx.now + tx.settings.maxNodeDowntimeMs);
        tx.done(request, `Stopped shard ${shard}. ${afterwards(tx)}`, { shard });
      }
      break;
    case 'parked':
      vacate(tx, shard, state.parked.known, tx.now + tx.settings.maxNodeDowntimeMs);
      tx.done(request, `Shard ${shard} is not kept for the next node any more. ${afterwards(tx)}`, { shard });
      break;
    case 'stopping':
      tx.fail(request, 'DSO_SHARD_BUSY', `Shard ${shard} is being stopped on node ${state.node} already.`);
      break;
    case 'unreachable': {
      const text = `Shard ${shard} is on node ${state.node}, which is not connected.`;
      tx.fail(request, 'DSO_NODE_NOT_CONNECTED', text);
      break;
    }
    case 'migrating':
    case undefined:
      tx.fail(request, 'DSO_SHARD_BUSY', `Shard ${shard} is being moved.`);
      break;
  }
}
