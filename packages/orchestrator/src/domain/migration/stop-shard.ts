/** An operator stops one shard, whatever it is in the middle of. */
import { stopMoving } from './failure.js';
import { unqueue } from '../shards/start.js';
import { afterwards, beginStop } from '../shards/stop.js';
import { vacate } from '../shards/vacate.js';
import { migrationOf } from './steps.js';
import type { Turn } from '../state/transaction.js';
import { knownShard } from '../state/checks.js';

export function stopShard(turn: Turn, request: string, shard: number): void {
  const known = knownShard(turn.state, shard);
  if (!known.ok) {
    turn.reply(request, known);
    return;
  }
  const migration = migrationOf(turn, shard);
  if (migration !== undefined && stopMoving(turn, migration, request)) return;
  unqueue(turn, shard);
  const state = turn.shard(shard);
  switch (state?.kind) {
    case 'running':
      beginStop(turn, shard, state.node, request, null);
      break;
    case 'starting':
      beginStop(turn, shard, state.node, request, state.known);
      break;
    case 'vacant':
      if (known.value.kind === 'vacant') {
        turn.fail(request, 'DSO_SHARD_NOT_RUNNING', `No node runs shard ${shard}.`);
      } else {
        vacate(turn, shard, state.known, turn.now + turn.settings.maxNodeDowntimeMs);
        turn.done(request, `Stopped shard ${shard}. ${afterwards(turn)}`, { shard });
      }
      break;
    case 'stopping':
      turn.fail(request, 'DSO_SHARD_BUSY', `Shard ${shard} is being stopped on node ${state.node} already.`);
      break;
    case 'unreachable': {
      const text = `Shard ${shard} is on node ${state.node}, which is not connected.`;
      turn.fail(request, 'DSO_NODE_NOT_CONNECTED', text);
      break;
    }
    case 'migrating':
    case undefined:
      turn.fail(request, 'DSO_SHARD_BUSY', `Shard ${shard} is being moved.`);
      break;
  }
}
