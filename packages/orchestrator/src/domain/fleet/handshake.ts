/**
 * The first message of a connection.
 *
 * A peer that is let in is `connected` and hears Identified, or, while the total shard count is not decided, `awaitingTotal`, and
 * hears it when that is decided. What it says it runs is taken over (`claims.ts`), what it holds closed is remembered. A second connection with
 * the same node id takes the place of the first: that is the first one's loss and a reconnect in one.
 */
import { CAPABILITIES } from '@dshard/protocol';
import type { Identify, ShardSession } from '@dshard/protocol';
import { DOMAIN_ERRORS } from '../state/errors.js';
import type { DomainEvent } from '../state/events.js';
import { leadShardOf } from '../state/settings.js';
import { launchDone } from './launch.js';
import { leaseOf } from './lease.js';
import { cutOff, lose } from './lost.js';
import { originsAreBack } from '../migration/live-failure.js';
import { can, hasConnection, hasSaidGoodbye } from '../state/nodes.js';
import { sessionOf, vacate } from '../shards/vacate.js';
import { forgetLoss, noteDeath } from '../shards/quarantine.js';
import { nodeGone, remindOfShutdown } from './leave.js';
import type { NodeState, ShardState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';
import { refusalOf } from './admission.js';
import type { Refusal } from './admission.js';
import { claim } from './claims.js';
import { decideTotal, heardOf } from './total-shards.js';

export function onIdentify(turn: Turn, event: Extract<DomainEvent, { kind: 'identify' }>): void {
  const { connection, message, peer } = event;
  if (turn.state.connections.has(connection)) return;
  const refusal = refusalOf(turn.state, message, peer, turn.now);
  if (refusal !== null) {
    refuse(turn, connection, message, peer.remote, refusal);
    return;
  }
  const id = message.nodeId === '' ? freshId(turn) : message.nodeId;
  replaceOlder(turn, id);
  if (isNewProcess(turn, id, message)) noteDeath(turn, id);
  forgetLoss(turn, id);
  enter(turn, id, connection, message);
  if (turn.state.totalShards === null && message.totalShards > 0) {
    decideTotal(turn, message.totalShards, `node ${id} runs with it`);
  }
  if (turn.state.totalShards !== null) establish(turn, id);
  takeOver(turn, id, message);
  heardOf(turn, id);
  remindOfShutdown(turn, id);
  launchDone(turn, id);
}

/** A process manager started the node anew under its own id, before anybody noticed that the one before had died. */
function isNewProcess(turn: Turn, id: string, { pid, host, instance }: Identify): boolean {
  const known = turn.node(id);
  if (known !== undefined && known.instance !== null && instance !== undefined) return known.instance !== instance;
  return known !== undefined && known.pid !== null && pid !== null && (known.pid !== pid || known.host !== host);
}

function refuse(turn: Turn, connection: string, message: Identify, remote: string, refusal: Refusal): void {
  const { code, message: text } = refusal;
  if (message.capabilities.includes('auth')) {
    turn.sendOn(connection, { kind: 'rejected', code, message: text, retryable: DOMAIN_ERRORS[code].retryable });
  }
  turn.effect({ kind: 'close', connection, code, message: text });
  turn.happened('nodeRefused', 'warn', `Refused a node from ${remote}: ${text}`, {
    remote,
    node: message.nodeId,
    code,
  });
}

function freshId(turn: Turn): string {
  for (;;) {
    const id = turn.nextId('node-');
    if (turn.node(id) === undefined) return id;
  }
}

function replaceOlder(turn: Turn, id: string): void {
  const older = turn.node(id);
  if (older === undefined || !hasConnection(older)) return;
  if (hasSaidGoodbye(older)) {
    cutOff(turn, id, 'DSO_NODE_ENDED', `Node ${id} shut down, and another process has its id now.`);
    nodeGone(turn, id, 'it shut down');
    return;
  }
  cutOff(turn, id, 'DSO_NODE_REPLACED', `A newer connection with node id ${id} takes its place.`);
  lose(turn, id, 'it connected again');
  turn.happened('nodeReplaced', 'info', `Node ${id} connected again; its older connection is closed.`, { node: id });
}

function enter(turn: Turn, id: string, connection: string, message: Identify): void {
  const known = turn.node(id);
  const capabilities = CAPABILITIES.filter((capability) => message.capabilities.includes(capability));
  turn.link(connection, id);
  turn.setNode({
    id,
    version: message.version,
    host: message.host,
    pid: message.pid,
    instance: message.instance ?? null,
    bounds: message.bounds ?? null,
    connection: { kind: 'awaitingTotal', connection, capabilities, since: turn.now, lastHeardAt: turn.now },
    joinedAt: turn.now,
    intent: known?.intent ?? { kind: 'serving' },
    shardReports: [],
    process: null,
    held: [],
    missing: [],
    checkpointedAt: 0,
  });
}

/** The total is known: the node is told, and is part of the fleet. */
function establish(turn: Turn, id: string): void {
  const node = turn.node(id);
  const { totalShards } = turn.state;
  if (node?.connection.kind !== 'awaitingTotal' || totalShards === null) return;
  turn.setNode({ ...node, connection: { ...node.connection, kind: 'connected' } });
  const { connection, capabilities } = node.connection;
  const heartbeatIntervalMs = capabilities.includes('heartbeat') ? turn.settings.heartbeatIntervalMs : 0;
  turn.effect({ kind: 'accept', connection, node: id });
  const message = { kind: 'identified', totalShards, nodeId: id, capabilities, heartbeatIntervalMs } as const;
  const epochs = { orchestratorEpoch: turn.state.epoch, leaseMs: leaseOf(turn.settings) };
  const leadShard = leadShardOf(turn.settings);
  turn.sendOn(connection, {
    ...message,
    ...(capabilities.includes('epochs') && epochs),
    ...(capabilities.includes('jobs') && leadShard > 0 && { leadShard }),
  });
}

/** Those that came before the total was decided. */
export function establishWaiting(turn: Turn): void {
  if (turn.state.totalShards === null) return;
  for (const node of turn.state.nodes.values()) {
    if (node.connection.kind === 'awaitingTotal') establish(turn, node.id);
  }
}

/** What the node has, and what it no longer has. */
function takeOver(turn: Turn, id: string, message: Identify): void {
  const epochs = message.runningEpochs ?? [];
  const runs = new Map(message.runningShards.map((shard, index) => [shard, epochs[index]]));
  const kept = [...runs].filter(([shard, epoch]) => claim(turn, id, shard, epoch)).map(([shard]) => shard);
  for (const shard of turn.shardsOf(id)) {
    const state = turn.shard(shard);
    if (state?.kind === 'unreachable') vacate(turn, shard, sessionOf(turn, shard));
  }
  for (const session of message.heldSessions) if (!runs.has(session.shardId)) hold(turn, id, session);
  originsAreBack(turn, id);
  const node = turn.node(id);
  const version = message.version === '' ? '' : ` (version ${message.version})`;
  turn.happened('nodeJoined', 'info', `Node ${id}${version} connected with ${kept.length} running shard(s).`, {
    node: id,
    version: message.version,
    shards: kept,
    held: node?.held ?? [],
  });
}

/** A session the node closed, and whose hand-over was never confirmed to it. */
function hold(turn: Turn, id: string, held: ShardSession): void {
  const { shardId, sessionId, sequence, resumeGatewayUrl } = held;
  const state = turn.shard(shardId);
  if (state === undefined || !can(turn.node(id), 'parallel-migrations')) return;
  const node: NodeState | undefined = turn.node(id);
  if (node !== undefined) turn.setNode({ ...node, held: [...new Set([...node.held, shardId])] });
  if (state.kind !== 'vacant' && state.kind !== 'unreachable') return;
  const session = { sessionId, sequence, resumeGatewayUrl };
  if (isNewer(session, state)) turn.setShard(shardId, { ...state, known: { session, at: turn.now } });
}

/** A later owner's word of the shard counts for more than that of a node that handed it over before. */
function isNewer(
  session: { sessionId: string; sequence: number | bigint },
  state: Extract<ShardState, { kind: 'vacant' | 'unreachable' }>,
): boolean {
  if (state.known === null) return true;
  const known = state.known.session;
  return known.sessionId === session.sessionId && known.sequence < session.sequence;
}

/** Nodes that hold a session of a shard that runs again are told to drop it. */
export function releaseHeld(turn: Turn): void {
  for (const node of turn.state.nodes.values()) {
    if (node.held.length === 0) continue;
    const still = node.held.filter((shard) => {
      const state = turn.shard(shard);
      if (state?.kind !== 'running') return true;
      if (state.node !== node.id && can(node, 'parallel-migrations')) {
        turn.send(node.id, { kind: 'migrationFinished', shardId: shard });
      }
      return false;
    });
    if (still.length < node.held.length) turn.patchNode(node.id, { held: still });
  }
}
