/** A bot asks for a rollout, as one that was written for ShardingManager does with `client.shard.respawnAll()`. */
import type { MessageOf } from '@dshard/protocol';
import type { Transaction } from '../state/transaction.js';
import { start } from './operations.js';

export function onRolloutRequest(tx: Transaction, node: string, { requestId }: MessageOf<'rolloutRequest'>): void {
  const answer = (code: string, message: string): void =>
    tx.send(node, { kind: 'rolloutAnswer', requestId, code, message });
  if (!tx.settings.nodesMayRollout) {
    const how = 'Set nodesMayRollout to true, or run `dso rollout`.';
    answer('DSO_NODES_MAY_NOT_ROLLOUT', `A node may not begin a rollout here. ${how}`);
  } else if (tx.state.ending !== null) {
    answer('DSO_FLEET_ENDING', 'The fleet is being shut down, so nothing else is begun.');
  } else {
    const begun = tx.actingFor(`node ${node}`, () => start(tx, { kind: 'rollout' }, { request: null, parent: null }));
    const operation = begun.ok && begun.operation !== null ? ` It is operation ${begun.operation}.` : '';
    if (begun.ok) answer('', `${begun.message}${operation}`);
    else answer(begun.error.code, begun.error.message);
  }
}
