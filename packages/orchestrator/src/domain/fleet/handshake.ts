/**
 * The first message of a connection.
 *
 * A peer that is let in is `connected` and hears Identified, or, while the total shard count is not decided,
 * `awaitingTotal`, and hears it when that is decided. What it says it runs is taken over (`claims.ts`), what it holds
 * closed is remembered. A second connection with the same node id takes the place of the first: that is the first one's
 * loss and a reconnect in one.
 */
import { CAPABILITIES, counted, type Identify, type ShardSession } from '@dshard/protocol';
import { errorEntry } from '../state/errors.js';
import { noteHostLives } from '../state/hosts.js';
import type { DomainEvent } from '../state/events.js';
import { leadShardOf, type Settings } from '../state/settings.js';
import { onVersionSeen } from './crash-loop.js';
import { onLaunchDone } from './launch.js';
import { tellVersion } from './version-health.js';
import { cutOff, lose } from './lost.js';
import { onOriginBack } from '../migration/live-failure.js';
import { can, hasConnection, hasSaidGoodbye } from '../state/nodes.js';
import { sessionOf, vacate } from '../shards/vacate.js';
import { forgetLoss, liftForVersion, noteCrash } from '../shards/quarantine.js';
import { confirmGone, intentOf, remindOfShutdown } from './leave.js';
import { unsettledNodes } from '../state/node-survey.js';
import type { NodeState, ShardState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { refusalOf, type Refusal } from './admission.js';
import { claim } from './claims.js';
import { decideTotal, noteHeard } from './total-shards.js';

export function onIdentify(tx: Transaction, event: Extract<DomainEvent, { kind: 'identify' }>): void {
  const { connection, message, peer } = event;
  if (tx.state.connections.has(connection)) return;
  const refusal = refusalOf(tx.state, message, peer, tx.now);
  if (refusal !== null) {
    refuse(tx, connection, message, peer.remote, refusal);
    return;
  }
  countOnFrom(tx, message);
  const id = message.nodeId === '' ? freshId(tx) : message.nodeId;
  replaceOlder(tx, id);
  const isNew = isNewProcess(tx, id, message);
  if (isNew) noteCrash(tx, id);
  forgetLoss(tx, id);
  enter(tx, id, connection, message, isNew);
  noteHostLives(tx, message.host);
  liftForVersion(tx, message.version);
  if (tx.state.processes.has(id)) onVersionSeen(tx, message.version);
  if (tx.state.totalShards === null && message.totalShards > 0) {
    decideTotal(tx, message.totalShards, `node ${id} runs with it`);
  }
  if (tx.state.totalShards !== null) establish(tx, id);
  takeOver(tx, id, message);
  noteHeard(tx, id);
  remindOfShutdown(tx, id);
  onLaunchDone(tx, id);
}

/** A process manager started the node anew under its own id, before anybody noticed that the one before had died. */
function isNewProcess(tx: Transaction, id: string, { pid, host, instance }: Identify): boolean {
  const known = tx.node(id);
  if (known !== undefined && known.instance !== null && instance !== undefined) return known.instance !== instance;
  return known !== undefined && known.pid !== null && pid !== null && (known.pid !== pid || known.host !== host);
}

function refuse(tx: Transaction, connection: string, message: Identify, remote: string, refusal: Refusal): void {
  const { code, message: text } = refusal;
  // Whoever names any is of ours, of whatever version, and reads what is wrong.
  if (message.capabilities.length > 0) {
    tx.sendOn(connection, { kind: 'rejected', code, message: text, retryable: errorEntry(code).retryable === true });
  }
  tx.effect({ kind: 'close', connection, code, message: text, refused: true });
  if (code === 'DSO_NODE_ID_TAKEN') noteTakenId(tx, message.nodeId, text);
  tx.record('nodeRefused', 'warn', `Refused a node from ${remote}: ${text}`, {
    remote,
    node: message.nodeId,
    code,
  });
}

/**
 * A lost store, a clock that was set back, or a stranger at the port of the orchestrator: the node obeys nobody of an
 * epoch below the highest it has obeyed. The new epoch is durable before the node hears of it, so one who is not the
 * leader any more cannot have it.
 */
function countOnFrom(tx: Transaction, { orchestratorEpoch = 0, nodeId }: Identify): void {
  const { epoch: before } = tx.state;
  if (orchestratorEpoch <= before) return;
  const epoch = Math.max(orchestratorEpoch + 1, tx.state.nextEpoch);
  tx.patch({ epoch, nextEpoch: epoch + 1 });
  const text =
    `Node ${nodeId} has obeyed an orchestrator of epoch ${orchestratorEpoch}; this one was of epoch ${before}, and is of ` +
    `epoch ${epoch} now. If no other one ran meanwhile, a clock was set back or a store was lost.`;
  tx.record('epochRaised', 'warn', text, { node: nodeId, epoch, before });
}

const TAKEN_IDS_KEPT = 20;

/** For the alarm: a second process of a node goes on trying for as long as it lives. */
function noteTakenId(tx: Transaction, node: string, text: string): void {
  const known = [...tx.state.takenIds].filter(([id]) => id !== node).slice(1 - TAKEN_IDS_KEPT);
  const since = tx.state.takenIds.get(node)?.since ?? tx.now;
  tx.patch({ takenIds: new Map([...known, [node, { since, at: tx.now, text }]]) });
}

function freshId(tx: Transaction): string {
  for (;;) {
    const id = tx.nextId('node-');
    if (tx.node(id) === undefined) return id;
  }
}

function replaceOlder(tx: Transaction, id: string): void {
  const older = tx.node(id);
  if (older === undefined || !hasConnection(older)) return;
  if (hasSaidGoodbye(older)) {
    cutOff(tx, id, 'DSO_NODE_ENDED', `Node ${id} shut down, and another process has its id now.`);
    confirmGone(tx, id, 'it shut down');
    return;
  }
  cutOff(tx, id, 'DSO_NODE_REPLACED', `A newer connection with node id ${id} takes its place.`);
  lose(tx, id, 'it connected again');
  tx.record('nodeReplaced', 'info', `Node ${id} connected again; its older connection is closed.`, { node: id });
}

function enter(tx: Transaction, id: string, connection: string, message: Identify, isNew: boolean): void {
  const known = tx.node(id);
  const capabilities = CAPABILITIES.filter((capability) => message.capabilities.includes(capability));
  tx.link(connection, id);
  tx.setNode({
    id,
    version: versionOf(tx, id, message),
    host: message.host,
    zone: message.zone ?? null,
    pid: message.pid,
    instance: message.instance ?? null,
    bounds: message.bounds ?? null,
    connection: { kind: 'awaitingTotal', connection, capabilities, since: tx.now, lastHeardAt: tx.now },
    joinedAt: tx.now,
    restarts: (known?.restarts ?? 0) + (isNew ? 1 : 0),
    intent: intentOf(known, message),
    shardReports: [],
    process: null,
    signals: null,
    retained: [],
    missing: [],
    checkpointedAt: 0,
  });
}

/** What it says; where it does not know, what it was launched as. */
function versionOf(tx: Transaction, id: string, { version }: Identify): string {
  const launched = tx.state.processes.get(id)?.version ?? '';
  return (version === '' || version === 'unknown') && launched !== '' ? launched : version;
}

/** The total is known: the node is told, and is part of the fleet. */
function establish(tx: Transaction, id: string): void {
  const node = tx.node(id);
  const { totalShards } = tx.state;
  if (node?.connection.kind !== 'awaitingTotal' || totalShards === null) return;
  tx.setNode({ ...node, connection: { ...node.connection, kind: 'connected' } });
  const { connection, capabilities } = node.connection;
  const heartbeatIntervalMs = capabilities.includes('heartbeat') ? tx.settings.heartbeatIntervalMs : 0;
  tx.effect({ kind: 'accept', connection, node: id });
  const message = { kind: 'identified', totalShards, nodeId: id, capabilities, heartbeatIntervalMs } as const;
  const epochs = { orchestratorEpoch: tx.state.epoch, leaseMs: leaseOf(tx.settings) };
  const leadShard = leadShardOf(tx.settings);
  tx.sendOn(connection, {
    ...message,
    ...(capabilities.includes('epochs') && epochs),
    ...(capabilities.includes('jobs') && leadShard > 0 && { leadShard }),
  });
  tellVersion(tx, node);
}

/** Those that came before the total was decided. */
export function establishWaiting(tx: Transaction): void {
  if (tx.state.totalShards === null) return;
  for (const node of unsettledNodes(tx.state)) {
    if (node.connection.kind === 'awaitingTotal') establish(tx, node.id);
  }
}

/** What the node has, and what it no longer has. */
function takeOver(tx: Transaction, id: string, message: Identify): void {
  const epochs = message.runningEpochs ?? [];
  const runs = new Map(message.runningShards.map((shard, index) => [shard, epochs[index]]));
  const kept = [...runs].filter(([shard, epoch]) => claim(tx, id, shard, epoch)).map(([shard]) => shard);
  for (const shard of tx.shardsOf(id)) {
    const state = tx.shard(shard);
    if (state?.kind === 'unreachable') vacate(tx, shard, sessionOf(tx, shard));
  }
  for (const session of message.heldSessions) if (!runs.has(session.shardId)) retain(tx, id, session);
  onOriginBack(tx, id);
  const node = tx.node(id);
  const version = message.version === '' ? '' : ` (version ${message.version})`;
  tx.record('nodeJoined', 'info', `Node ${id}${version} connected with ${counted(kept.length, 'running shard')}.`, {
    node: id,
    version: message.version,
    shards: kept,
    retained: node?.retained ?? [],
  });
}

/** A session the node closed, and whose migration was never confirmed to it. */
function retain(tx: Transaction, id: string, closed: ShardSession): void {
  const { shardId, sessionId, sequence, resumeGatewayUrl } = closed;
  const state = tx.shard(shardId);
  if (state === undefined || !can(tx.node(id), 'sessions')) return;
  const node: NodeState | undefined = tx.node(id);
  if (node !== undefined) tx.setNode({ ...node, retained: [...new Set([...node.retained, shardId])] });
  if (state.kind !== 'vacant' && state.kind !== 'unreachable') return;
  const session = { sessionId, sequence, resumeGatewayUrl };
  if (isNewer(session, state)) tx.setShard(shardId, { ...state, known: { session, at: tx.now } });
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

/** Nodes that retain the session of a shard that runs again are told to drop it. */
export function dropRetained(tx: Transaction): void {
  for (const node of unsettledNodes(tx.state)) {
    if (node.retained.length === 0) continue;
    const still = node.retained.filter((shard) => {
      const state = tx.shard(shard);
      if (state?.kind !== 'running') return true;
      if (state.node !== node.id && hasConnection(node)) {
        tx.send(node.id, { kind: 'stopShard', shardId: shard, session: null });
      }
      return false;
    });
    if (still.length < node.retained.length) tx.patchNode(node.id, { retained: still });
  }
}

/**
 * How long a node may rely on its shards without hearing from us. It counts from when it sent a heartbeat that was
 * answered, by its own clock; we count `maxNodeDowntime` from when we last heard it, which is later. The margin is for
 * clocks that do not run alike.
 */

const SHARE = 0.8;

function leaseOf({ maxNodeDowntimeMs }: Settings): number {
  return Math.floor(maxNodeDowntimeMs * SHARE);
}
