/** A bot asks for a rollout, as one that was written for ShardingManager does with `client.shard.respawnAll()`. */
import type { MessageOf } from '@dshard/protocol';
import type { DomainErrorCode } from '../state/errors.js';
import type { Transaction } from '../state/transaction.js';
import { beginRollout } from './rollout.js';

export function onRolloutRequest(tx: Transaction, node: string, { requestId }: MessageOf<'rolloutRequest'>): void {
  const answer = (code: DomainErrorCode | '', message: string): void =>
    tx.send(node, { kind: 'rolloutAnswer', requestId, code, message });
  if (!tx.settings.nodesMayRollout) {
    const how = 'Set nodesMayRollout to true, or run `dso rollout`.';
    answer('DSO_NODES_MAY_NOT_ROLLOUT', `A node may not begin a rollout here. ${how}`);
  } else if (tx.state.ending !== null) {
    answer('DSO_FLEET_ENDING', 'The fleet is being shut down, so nothing else is begun.');
  } else {
    const begun = tx.actingFor(`node ${node}`, () => beginRollout(tx, null));
    const operation = begun.ok && begun.operation !== null ? ` It is operation ${begun.operation}.` : '';
    answer(begun.ok ? '' : begun.code, `${begun.message}${operation}`);
  }
}
