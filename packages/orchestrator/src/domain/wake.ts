/** When something is due next if nothing happens until then. The one place that knows every deadline there is. */
import { callDeadlines } from './calls/calls.js';
import { permitsBlockedUntil } from './shards/identify-permits.js';
import { gatewayDue } from './fleet/total-shards.js';
import { forgetAt, silentAt } from './fleet/lost.js';
import { clearedAt } from './shards/quarantine.js';
import { endProcessAt } from './fleet/leave.js';
import type { Transaction } from './state/transaction.js';

/** Asks for the next wake-up, if it is another one than the one asked for. */
export function setWakeUp(tx: Transaction): void {
  const at = nextDeadline(tx);
  if (at === tx.state.wakeAt) return;
  tx.patch({ wakeAt: at });
  tx.effect({ kind: 'wakeAt', at });
}

/** What is due already and was not done waits for an event, not for time: only the future counts. */
function nextDeadline(tx: Transaction): number | null {
  let earliest = Number.POSITIVE_INFINITY;
  const at = (time: number | null): void => {
    if (time !== null && time > tx.now && time < earliest) earliest = time;
  };
  const { state, settings } = tx;
  at(state.graceUntil);
  at(gatewayDue(state));
  at(state.launchNotBefore);
  at(state.ending?.deadline ?? null);
  shardDeadlines(tx, at);
  for (const node of state.nodes.values()) {
    at(silentAt(tx, node.id));
    if (node.intent.kind === 'shuttingDown') at(node.intent.deadline);
    if (node.connection.kind === 'disconnected') {
      at(forgetAt(node.connection));
      at(endProcessAt(node));
      at(node.connection.since + settings.maxNodeDowntimeMs);
    }
  }
  for (const migration of state.migrations.values()) at(migration.deadline);
  for (const operation of state.operations.values()) at(operation.deadline);
  for (const shard of state.crashRecords.keys()) at(clearedAt(tx, shard));
  for (const waiting of state.waitingMigrations) at(waiting.deadline);
  for (const launch of state.launches.values()) at(launch.deadline);
  for (const entry of Object.values(state.identifies.keys)) at(entry.freeAt);
  at(permitsBlockedUntil(tx));
  callDeadlines(state, at);
  return Number.isFinite(earliest) ? earliest : null;
}

function shardDeadlines(tx: Transaction, at: (time: number) => void): void {
  const { vacant, earliestDeadline, awaySince } = tx.survey();
  at(earliestDeadline);
  at(awaySince + tx.settings.maxNodeDowntimeMs);
  for (const shard of vacant) {
    const state = tx.shard(shard);
    if (state?.kind === 'vacant') at(state.notBefore);
  }
}
