/**
 * What is launched is watched until it has ended. A process is of use while its launch goes on, while its node is
 * connected (under whatever id), and while the node may come back. One that is of none is ended, SIGTERM first, and is
 * remembered until it is gone:
 *
 * - its launch timed out (`launch.ts`);
 * - its node said goodbye, or an operator says that the node is dead, and the process stays;
 * - its node was away for too long: others have its shards and its place;
 * - an earlier run started it, and it never came back;
 * - it was launched for an operation that failed (`launch.ts`, `retireEmpty`).
 */
import type { NodeBounds } from '@dshard/protocol';
import type { DomainEvent } from '../state/events.js';
import { hasConnection } from '../state/nodes.js';
import { connectedAs, launchOf, type ProcessState } from '../state/processes.js';
import type { OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { noteLaunchCrash } from './crash-loop.js';

/** On top of what a node lingers: its hooks, and timers that are late. */
const LINGER_MARGIN_MS = 5_000;

export function onProcessAdopted(
  tx: Transaction,
  { node, pid }: Extract<DomainEvent, { kind: 'processAdopted' }>,
): void {
  if (tx.state.processes.has(node)) return;
  tx.setProcess({ node, pid, since: tx.now, version: tx.node(node)?.version ?? '', ending: null });
}

/**
 * Its process is gone; what that means for the node is found out after this.
 *
 * @param description how, if that is to count against its version.
 */
export function forgetProcess(tx: Transaction, id: string, description: string | null): void {
  const process = tx.state.processes.get(id);
  if (process === undefined) return;
  tx.removeProcess(id);
  if (description === null || process.ending !== null || tx.state.ending !== null || wasAskedToEnd(tx, id)) return;
  const node = tx.node(id);
  noteLaunchCrash(tx, {
    version: process.version,
    reported: node === undefined || node.version === '' ? null : node.version,
    wasUp: node !== undefined,
    bornAt: process.since,
    reason: `node ${id} ${description}`,
  });
}

/** One that leaves by itself and ends is launched again, and may do the same again. */
function wasAskedToEnd(tx: Transaction, id: string): boolean {
  const node = tx.node(id);
  if (node === undefined) return false;
  return node.intent.kind === 'shuttingDown' && !node.intent.byItself;
}

/** A handler whose promise the node does not know may be under way for as long as the node would linger. */
export function graceOf(bounds: NodeBounds | null): number {
  return bounds === null ? 0 : bounds.lingerMs + LINGER_MARGIN_MS;
}

export function endUselessProcesses(tx: Transaction): void {
  if (tx.state.ending !== null) return;
  for (const process of tx.state.processes.values()) {
    const why = uselessBecause(tx, process);
    if (why !== null) endProcess(tx, process.node, why);
  }
}

/** How long the whole fleet may take to end: to say goodbye, and where a node lingers for that and what comes after. */
export function fleetEndsWithin({ nodes, settings }: OrchestratorState): number {
  const lingerMs = Math.max(0, ...[...nodes.values()].map(({ bounds }) => bounds?.lingerMs ?? 0));
  return settings.commandTimeoutMs + (lingerMs === 0 ? 0 : lingerMs + settings.commandTimeoutMs);
}

/** One that is being ended already is left to that. @param why goes on after "its process is ended: …". */
export function endProcess(tx: Transaction, node: string, why: string, graceMs = 0): void {
  const process = tx.state.processes.get(node);
  if (process !== undefined && process.ending !== null) return;
  if (process !== undefined) tx.setProcess({ ...process, ending: why });
  tx.effect({ kind: 'endProcess', node, graceMs });
}

/** When a process that is not connected is of no use any more; null: it is of use, or something else says when. */
export function uselessAt(tx: Transaction, { node: id, pid, since, ending }: ProcessState): number | null {
  if (ending !== null || tx.state.alarm !== null || tx.state.graceUntil !== null || tx.state.ending !== null)
    return null;
  if (launchOf(tx.state, id) !== undefined) return null;
  const node = tx.node(id);
  if (node !== undefined && (hasConnection(node) || tx.shardsOf(id).length > 0)) return null;
  if (connectedAs(tx.state, { pid, since }) !== null) return null;
  if (node === undefined || node.connection.kind !== 'disconnected') return since + tx.settings.launchTimeoutMs;
  const { connection } = node;
  // Who said goodbye and may come back has its own time (`leave.ts`).
  if (connection.gone) return connection.endAt === undefined ? connection.since : null;
  // Until the node has been away for too long it is counted among those that are up; then another takes its place.
  return connection.since + tx.settings.maxNodeDowntimeMs + tx.settings.launchTimeoutMs;
}

function uselessBecause(tx: Transaction, process: ProcessState): string | null {
  const at = uselessAt(tx, process);
  if (at === null || at > tx.now) return null;
  const { node: id, pid } = process;
  const connection = tx.node(id)?.connection;
  const isGone = connection?.kind === 'disconnected' && connection.gone;
  const why =
    connection === undefined
      ? 'it did not connect'
      : isGone
        ? 'its node is gone'
        : 'its node was away for too long, and others have its place';
  tx.record('processEnded', 'warn', `The process of node ${id} (${pid}) is ended: ${why}.`, { node: id, pid, why });
  return why;
}
