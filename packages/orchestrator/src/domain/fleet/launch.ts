/**
 * Starting node processes. A launch is over when its node is connected, or when it failed: the launcher said so, the process ended
 * before that, or it took longer than launchTimeoutMs. A process whose launch took too long is ended: another is started in its place, and
 * those that hang would fill the host.
 *
 * Launches nobody asked for (to keep `settings.nodes` up, or because shards have no room) are held back after a failure: one at a time, at
 * most one per launchRetryMs, until one succeeds. Those an operator or a rollout asks for are made at once.
 */
import type { DomainEvent } from '../state/events.js';
import { hasConnection, isShuttingDown } from '../state/nodes.js';
import { retireEmpty } from './retire.js';
import type { LaunchState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';

/** @param forWhom who is answered when the node is up, and the operation that needs it. */
export function beginLaunch(
  turn: Turn,
  why: string,
  { request = null, operation = null }: { request?: string | null; operation?: string | null } = {},
): void {
  const id = turn.nextId('l');
  const deadline = turn.now + turn.settings.launchTimeoutMs;
  turn.setLaunch({ id, node: null, pid: null, since: turn.now, deadline, request, operation, unwanted: false });
  turn.effect({ kind: 'launchNode', launch: id });
  turn.happened('nodeLaunching', 'info', `Launching a node: ${why}.`, { launch: id, why });
}

export function startNode(turn: Turn, request: string): void {
  if (turn.settings.canLaunch) beginLaunch(turn, 'an operator asked for it', { request });
  else turn.fail(request, 'DSO_NO_LAUNCHER', 'No node command is configured, so no node can be started from here.');
}

export function onNodeLaunched(turn: Turn, event: Extract<DomainEvent, { kind: 'nodeLaunched' }>): void {
  const { launch: id, node, pid } = event;
  const launch = turn.state.launches.get(id);
  const known = turn.node(node);
  const isUp = known !== undefined && hasConnection(known);
  if (launch !== undefined) {
    turn.setLaunch({ ...launch, node, pid });
    if (isUp) launchDone(turn, node);
  } else if (!isUp) {
    // The launcher took so long that the launch is over.
    turn.effect({ kind: 'endProcess', node, graceMs: 0 });
  }
}

/** A node is connected: the end of its launch, if it was launched. */
export function launchDone(turn: Turn, node: string): void {
  const launch = launchOf(turn, node);
  if (launch === undefined) return;
  turn.removeLaunch(launch.id);
  turn.patch({ launchFailures: 0, launchNotBefore: turn.now });
  turn.leaveOutcome(launch.operation, { kind: 'launched', node });
  turn.done(launch.request, `Node ${node} is started and connected.`, { node });
  if (launch.unwanted) retireEmpty(turn, node);
}

export function launchFailed(turn: Turn, id: string, reason: string): void {
  const launch = turn.state.launches.get(id);
  if (launch === undefined) return;
  turn.removeLaunch(id);
  turn.patch({
    launchFailures: turn.state.launchFailures + 1,
    launchNotBefore: turn.now + turn.settings.launchRetryMs,
  });
  const text = `A node could not be launched: ${reason}.`;
  turn.happened('launchFailed', 'error', text, { launch: id, node: launch.node, reason });
  turn.fail(launch.request, 'DSO_NODE_LAUNCH_FAILED', text);
  turn.leaveOutcome(launch.operation, { kind: 'notLaunched' });
}

export function launchOf(turn: Turn, node: string): LaunchState | undefined {
  for (const launch of turn.state.launches.values()) if (launch.node === node) return launch;
  return undefined;
}

export function expireLaunches(turn: Turn): void {
  for (const launch of turn.state.launches.values()) {
    if (launch.deadline > turn.now) continue;
    const { node } = launch;
    const within = `within ${turn.settings.launchTimeoutMs} ms`;
    const alias = connectedAs(turn, launch);
    if (node === null) {
      launchFailed(turn, launch.id, `the launcher did not answer ${within}`);
    } else if (alias !== null) {
      const text = `connected as ${alias}: let the bot take the id that it is given (DSO_NODE_ID, {nodeId}), or none`;
      launchFailed(turn, launch.id, `node ${node} did not connect ${within}, but ${text}`);
    } else {
      launchFailed(turn, launch.id, `node ${node} did not connect ${within}, so its process is ended`);
      turn.effect({ kind: 'endProcess', node, graceMs: 0 });
    }
  }
}

/** Under which id the process serves that was to be another node: it is not ended for that. */
function connectedAs(turn: Turn, { pid, since }: LaunchState): string | null {
  if (pid === null) return null;
  for (const node of turn.state.nodes.values()) {
    if (node.pid === pid && node.joinedAt >= since && hasConnection(node)) return node.id;
  }
  return null;
}

/**
 * Keeps `settings.nodes` nodes up. One that is silent, but not known to be dead, counts until its downtime is over, and for as long as
 * its shards are left to it: after an alarm that is longer.
 */
export function keepNodesUp(turn: Turn): void {
  const { settings } = turn;
  if (settings.nodes === 0 || !mayLaunch(turn)) return;
  let up = turn.state.launches.size;
  for (const node of turn.state.nodes.values()) {
    if (isShuttingDown(node) || launchOf(turn, node.id) !== undefined) continue;
    const { connection } = node;
    const isBack = connection.kind !== 'disconnected';
    if (isBack || (!connection.gone && mayComeBack(turn, node.id, connection.since))) up += 1;
  }
  for (let missing = settings.nodes - up; missing > 0 && mayLaunch(turn); missing -= 1) {
    beginLaunch(turn, `${settings.nodes} are to be up`);
  }
}

function mayComeBack(turn: Turn, node: string, awaySince: number): boolean {
  const isWaitedFor = turn.state.alarm !== null || turn.shardsOf(node).length > 0;
  return isWaitedFor || awaySince + turn.settings.maxNodeDowntimeMs > turn.now;
}

/** Shards have no node with room: one node at a time, as long as that is so. */
export function launchForRoom(turn: Turn, shards: readonly number[]): void {
  if (shards.length === 0 || turn.state.launches.size > 0 || !mayLaunch(turn)) return;
  beginLaunch(turn, `${shards.length} shard(s) have no node with room`);
}

/** Whether a launch nobody asked for may be made now. */
function mayLaunch(turn: Turn): boolean {
  const { settings, ending, graceUntil, launchNotBefore, launchFailures, launches } = turn.state;
  if (!settings.canLaunch || !settings.ensureAllShardsRunning || ending !== null || graceUntil !== null) return false;
  return launchNotBefore <= turn.now && (launchFailures === 0 || launches.size === 0);
}
