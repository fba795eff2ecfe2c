/**
 * The whole fleet goes down: every node is told, nothing is started any more. Answered when all are gone.
 *
 * For good, or only for a while: then the shards are parked first, copied a few at a time and frozen together, and
 * nodes are told to keep their sessions. Of a shard that cannot be parked, or not in time, the session is kept.
 */
import { endOperations } from './operations.js';
import { hasConnection, hasSaidGoodbye } from '../state/nodes.js';
import { beginPark, freezeCopied, freezeDue } from '../migration/park.js';
import { isLive } from '../state/migrations.js';
import { isPark } from '../state/park.js';
import type { Settings } from '../state/settings.js';
import type { LiveMigration } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { beginShutdown } from '../fleet/leave.js';

/** Before parking ends: for shards that were copied, and are yet to be frozen. */
const FREEZES_MS = 3_000;

export function shutdownFleet(tx: Transaction, request: string, keepSessions: boolean): void {
  const until = tx.now + (keepSessions ? parkingWithin(tx.settings) : 0);
  const deadline = until + tx.settings.commandTimeoutMs;
  // Whoever starts it again begins anew: with another bot, perhaps.
  tx.patch({ crashLoops: new Map(), raisedAlarms: new Map() });
  tx.patch({ ending: { request, deadline, parking: keepSessions ? { until, tried: [] } : null } });
  const why = 'the fleet is being shut down';
  endOperations(tx, why);
  for (const { request: asked, shard } of tx.state.waitingMigrations) {
    tx.fail(asked, 'DSO_FLEET_ENDING', `Shard ${shard} was not moved: ${why}.`);
  }
  tx.patch({ waitingMigrations: [], identifies: { ...tx.state.identifies, waiting: [] } });
  for (const launch of tx.state.launches.values()) {
    tx.fail(launch.request, 'DSO_FLEET_ENDING', `The node is not waited for: ${why}.`);
    tx.setLaunch({ ...launch, request: null });
  }
}

/** Also nodes that connect late are told; the answer is given when none is connected any more, or when time is up. */
export function endFleet(tx: Transaction): void {
  const { ending } = tx.state;
  if (ending === null || isStillParking(tx)) return;
  const connected = [...tx.state.nodes.values()].filter(hasConnection);
  for (const node of connected) {
    if (node.intent.kind !== 'shuttingDown') beginShutdown(tx, node.id, null, ending.parking === null);
  }
  if (ending.request === null) return;
  const silent = [...tx.state.nodes.values()].filter(
    ({ connection }) =>
      connection.kind === 'disconnected' &&
      !connection.gone &&
      connection.since + tx.settings.maxNodeDowntimeMs > tx.now,
  );
  // Those that have said goodbye end in their own time.
  if (connected.some((node) => ending.deadline > tx.now || hasSaidGoodbye(node))) return;
  tx.patch({ ending: { ...ending, request: null } });
  const left = [...connected, ...silent].map((node) => node.id);
  if (left.length === 0) {
    tx.done(ending.request, 'All nodes are shut down.');
  } else {
    const text = `These nodes did not say that they are shut down: ${left.join(', ')}.`;
    tx.fail(ending.request, 'DSO_NODE_TIMEOUT', text);
  }
}

/** What is parked first must not grow too old while the last is parked. */
export function parkingWithin({ parkTtlMs }: Settings): number {
  return parkTtlMs / 2;
}

/** Each shard is tried once: one that fails may fail again, and time is short. */
function isStillParking(tx: Transaction): boolean {
  const parking = tx.state.ending?.parking ?? null;
  if (parking === null || parking.until <= tx.now) return false;
  const tried = new Set(parking.tried);
  let isWaiting = false;
  for (const [shard, { kind }] of tx.state.shards.entries()) {
    if (kind !== 'running' || tried.has(shard)) continue;
    const begun = beginPark(tx, shard, { by: tx.by, together: true });
    if (!begun.ok && begun.again) isWaiting = true;
    else tried.add(shard);
  }
  const { ending } = tx.state;
  if (ending !== null && tried.size > parking.tried.length) {
    tx.patch({ ending: { ...ending, parking: { ...parking, tried: [...tried] } } });
  }
  freezeCopied(tx, parks(tx), parking.until - FREEZES_MS, !isWaiting);
  return isWaiting || tx.state.migrations.size > 0;
}

function parks(tx: Transaction): readonly LiveMigration[] {
  return [...tx.state.migrations.values()].filter(
    (each): each is LiveMigration => isLive(each) && isPark(each.destination),
  );
}

/** When something is to be done about the end of the fleet. */
export function endingDue(tx: Transaction): number | null {
  const { deadline = null, parking = null } = tx.state.ending ?? {};
  if (parking === null || parking.until <= tx.now) return deadline;
  const frozenAt = freezeDue(parks(tx), parking.until - FREEZES_MS);
  return frozenAt > tx.now ? frozenAt : parking.until;
}
