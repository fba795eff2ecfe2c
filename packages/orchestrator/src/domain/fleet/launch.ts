/**
 * Starting node processes. A launch is over when its node is connected, or when it failed: the launcher said so, the
 * process ended before that, or it took longer than launchTimeoutMs. A process whose launch took too long is ended:
 * another is started in its place, and those that hang would fill the host.
 *
 * Launches nobody asked for (to keep `settings.nodes` up, or because shards have no room) are held back after a crash
 * or a failed launch (`crash-loop.ts`), and made one at a time as long as it is more than one in a row. Those an
 * operator or a rollout asks for are made at once.
 */
import { counted } from '@dshard/protocol';
import type { DomainEvent } from '../state/events.js';
import { unsettledNodes } from '../state/node-survey.js';
import { hasConnection, isConnected, isLeaving, keptBy } from '../state/nodes.js';
import { connectedAs, launchOf } from '../state/processes.js';
import type { LaunchState } from '../state/state.js';
import { launchedVersion, quarantineOf } from '../state/versions.js';
import type { Transaction } from '../state/transaction.js';
import { loopOfNext, noteLaunchCrash } from './crash-loop.js';
import { beginShutdown } from './leave.js';
import { endProcess } from './processes.js';

type ForWhom = { request?: string | null; operation?: string | null; version?: string | null };

/**
 * @param forWhom who is answered when the node is up, and the operation that needs it; `version`: what it is to start,
 *   null for what is deployed. Without: what launches start now.
 */
export function beginLaunch(tx: Transaction, why: string, forWhom: ForWhom = {}): void {
  const { request = null, operation = null, version = tx.state.rollouts.launched } = forWhom;
  const id = tx.nextId('l');
  const deadline = tx.now + tx.settings.launchTimeoutMs;
  tx.setLaunch({ id, node: null, pid: null, since: tx.now, deadline, request, operation, version, unwanted: false });
  tx.effect({ kind: 'launchNode', launch: id, ...(version !== null && { version }) });
  tx.record('nodeLaunching', 'info', `Launching a node: ${why}.`, { launch: id, why });
}

export function startNode(tx: Transaction, request: string): void {
  if (tx.settings.canLaunch) beginLaunch(tx, 'an operator asked for it', { request });
  else tx.fail(request, 'DSO_NO_LAUNCHER', 'No node command is configured, so no node can be started from here.');
}

export function onNodeLaunched(tx: Transaction, event: Extract<DomainEvent, { kind: 'nodeLaunched' }>): void {
  const { launch: id, node, pid, log } = event;
  const launch = tx.state.launches.get(id);
  const since = launch?.since ?? tx.now;
  tx.setProcess({ node, pid, since, version: launch?.version ?? tx.state.deployedVersion, ending: null });
  const known = tx.node(node);
  const isUp = known !== undefined && hasConnection(known);
  if (launch !== undefined) {
    tx.setLaunch({ ...launch, node, pid, ...(log !== undefined && { log }) });
    if (isUp) onLaunchDone(tx, node);
  } else if (!isUp) {
    // The launcher took so long that the launch is over.
    endProcess(tx, node, 'its launch took too long');
  }
}

/** A node is connected: the end of its launch, if it was launched. */
export function onLaunchDone(tx: Transaction, node: string): void {
  const launch = launchOf(tx.state, node);
  if (launch === undefined) return;
  tx.removeLaunch(launch.id);
  tx.leaveOutcome(launch.operation, { kind: 'launched', node });
  tx.done(launch.request, `Node ${node} is started and connected.`, { node });
  if (launch.unwanted) retireEmpty(tx, node);
}

export function onLaunchFailed(tx: Transaction, id: string, reason: string): void {
  const launch = tx.state.launches.get(id);
  if (launch === undefined) return;
  tx.removeLaunch(id);
  const version = tx.state.processes.get(launch.node ?? '')?.version ?? launch.version ?? tx.state.deployedVersion;
  noteLaunchCrash(tx, { version, reported: null, wasUp: false, bornAt: launch.since, reason });
  const text = `A node could not be launched: ${reason}.`;
  tx.record('launchFailed', 'error', text, { launch: id, node: launch.node, reason });
  tx.fail(launch.request, 'DSO_NODE_LAUNCH_FAILED', text);
  tx.leaveOutcome(launch.operation, { kind: 'notLaunched', reason });
}

export function expireLaunch(tx: Transaction, launch: LaunchState): void {
  const { node } = launch;
  const within = `within ${tx.settings.launchTimeoutMs} ms`;
  const alias = connectedAs(tx.state, launch);
  if (node === null) {
    onLaunchFailed(tx, launch.id, `the launcher did not answer ${within}`);
  } else if (alias !== null) {
    const text = `connected as ${alias}: let the bot take the id that it is given (DSO_NODE_ID, {nodeId}), or none`;
    onLaunchFailed(tx, launch.id, `node ${node} did not connect ${within}, but ${text}`);
  } else {
    const its = launch.log === undefined ? '' : ` Its log is ${launch.log}`;
    const text = `node ${node} did not connect ${within}, so its process is ended: does the bot use @dshard/node?${its}`;
    onLaunchFailed(tx, launch.id, text);
    endProcess(tx, node, 'it did not connect');
  }
}

/**
 * Keeps `settings.nodes` nodes up. One that is silent, but not known to be dead, counts until its downtime is over, and
 * for as long as its shards are left to it: after an alarm that is longer.
 */
export function keepNodesUp(tx: Transaction): void {
  const { settings } = tx;
  if (settings.nodes === 0 || !mayLaunch(tx)) return;
  const others = unsettledNodes(tx.state);
  let up = tx.state.launches.size + tx.state.nodes.size - others.length;
  for (const node of others) {
    if (isLeaving(node) || launchOf(tx.state, node.id) !== undefined) continue;
    const { connection } = node;
    const isBack = connection.kind !== 'disconnected';
    if (isBack || (!connection.gone && mayComeBack(tx, node.id, connection.since))) up += 1;
  }
  for (let missing = settings.nodes - up; missing > 0 && mayLaunch(tx); missing -= 1) {
    beginLaunch(tx, `${settings.nodes} must be up`);
  }
}

function mayComeBack(tx: Transaction, node: string, awaySince: number): boolean {
  const isWaitedFor = tx.state.alarm !== null || tx.shardsOf(node).length > 0;
  return isWaitedFor || awaySince + tx.settings.maxNodeDowntimeMs > tx.now;
}

/** Shards have no node with room: one node at a time, as long as that is so. */
export function launchForRoom(tx: Transaction, shards: readonly number[]): void {
  if (shards.length === 0 || tx.state.launches.size > 0 || !mayLaunch(tx) || isOneAway(tx)) return;
  beginLaunch(tx, `no node has room for ${counted(shards.length, 'shard')}`);
}

/** A launched node was lost just now: in a moment it is back, or its process has ended, which counts as a crash. */
function isOneAway(tx: Transaction): boolean {
  for (const id of tx.state.processes.keys()) {
    const connection = tx.node(id)?.connection;
    if (connection?.kind !== 'disconnected' || connection.gone) continue;
    if (connection.since + tx.settings.maxNodeDowntimeMs > tx.now) return true;
  }
  return false;
}

/** Whether a launch nobody asked for may be made now. */
function mayLaunch(tx: Transaction): boolean {
  const { settings, ending, graceUntil, launches } = tx.state;
  if (!settings.canLaunch || !settings.ensureAllShardsRunning || ending !== null || graceUntil !== null) return false;
  // Nobody wants it but as the last resort.
  if (quarantineOf(tx.state, launchedVersion(tx.state)) !== undefined && isAnyUp(tx)) return false;
  const loop = loopOfNext(tx.state);
  if (loop === undefined || loop.inARow === 0) return true;
  return loop.notBefore <= tx.now && (loop.inARow === 1 || launches.size === 0);
}

function isAnyUp(tx: Transaction): boolean {
  return [...tx.state.nodes.values()].some((node) => isConnected(node) && !isLeaving(node));
}

/** The node that is being launched for an operation is shut down when it is up. */
export function unwantLaunch(tx: Transaction, operation: string): void {
  for (const launch of tx.state.launches.values()) {
    if (launch.operation === operation) tx.setLaunch({ ...launch, unwanted: true });
  }
}

/** Shuts a node down that has no shard and that nobody needs. @returns whether it does. */
export function retireEmpty(tx: Transaction, id: string): boolean {
  const node = tx.node(id);
  if (node === undefined || !hasConnection(node) || isLeaving(node)) return false;
  if (tx.loadOf(id) > 0 || keptBy(tx.state, id) !== undefined) return false;
  const others = [...tx.state.nodes.values()].filter(
    (other) => other.id !== id && hasConnection(other) && !isLeaving(other),
  );
  if (others.length < Math.max(1, tx.settings.nodes)) return false;
  beginShutdown(tx, id, null, false);
  return true;
}
