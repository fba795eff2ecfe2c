/**
 * What nodes say, after their Identify: each message to the module it concerns. One that does not fit what is going on
 * is recorded as a protocolViolation and does nothing; late answers to something that was aborted are expected, and are
 * recorded at debug level.
 */
import { isFrom, MESSAGE_TRAITS, type Message, type MessageFrom, type MessageOf } from '@dshard/protocol';
import { onCallAnswer, onCallStart } from './calls/calls.js';
import { noteCheckpoint } from './shards/epochs.js';
import { claim } from './fleet/claims.js';
import { enqueueIdentify, finishIdentify, holdsPermit, onIdentifiedWithoutPermit } from './shards/identify-permits.js';
import { onJobMark } from './jobs/marks.js';
import { onHeartbeat } from './fleet/heartbeat.js';
import {
  abort,
  onDestinationFailed,
  migrationCommandFailed,
  onOriginStopped,
  onOriginTookBack,
} from './migration/failure.js';
import { noteAnswered, beginResume, beginTakeBack, failStart, tellAborted, onReadyToResume } from './shards/start.js';
import { onTransferAnswer } from './migration/live-messages.js';
import { onActivated } from './migration/live.js';
import { onOriginKept, onStopAnswer } from './migration/live-failure.js';
import { isBase, isLive } from './state/migrations.js';
import { transferOf } from './migration/relay.js';
import {
  onDestinationReady,
  onDestinationRuns,
  migrationOf,
  onOriginClosed,
  onUserDataSent,
} from './migration/steps.js';
import { can, isBaseLevel } from './state/nodes.js';
import { upLink } from './state/shard-link.js';
import { onRolloutRequest } from './operations/rollout.js';
import { failStop, onStopped } from './shards/stop.js';
import { knownNow } from './shards/vacate.js';
import { onLeave, onShutdown, stopHere } from './fleet/leave.js';
import type { BaseMigration, LiveMigration, ShardState } from './state/state.js';
import type { Transaction } from './state/transaction.js';

/** What a node may say once it is let in. */
type LaterMessage = Exclude<MessageFrom<'node'>, { kind: 'identify' | 'proof' | 'jobMark' }>;

export function onMessage(tx: Transaction, connection: string, message: Message, wallClockAheadMs = 0): void {
  const id = tx.state.connections.get(connection);
  const node = id === undefined ? undefined : tx.node(id);
  // What a connection says after it was closed from this side is not heard.
  if (node === undefined || node.connection.kind === 'disconnected') return;
  tx.setNode({ ...node, connection: { ...node.connection, lastHeardAt: tx.now } });
  if (node.connection.kind === 'awaitingTotal' && message.kind !== 'shutdown' && message.kind !== 'leave') {
    violation(tx, node.id, message.kind, 'the total shard count is not decided yet');
    return;
  }
  if (!isFrom('node', message) || message.kind === 'identify' || message.kind === 'proof') {
    violation(tx, node.id, message.kind, 'it is not for a node to send');
    return;
  }
  // Who named no capability did not have to prove the token: of that one only the base level is taken.
  const needed = MESSAGE_TRAITS[message.kind].capability;
  if (needed !== null && !can(node, needed)) {
    violation(tx, node.id, message.kind, `it did not name the capability ${needed}`);
    return;
  }
  if (message.kind === 'jobMark') onJobMark(tx, node.id, message, tx.now + wallClockAheadMs);
  else dispatch(tx, node.id, isBaseLevel(node) ? atBaseLevel(message) : message);
}

/** Without what the extended level adds to the messages of the base level. */
function atBaseLevel(message: LaterMessage): LaterMessage {
  if (message.kind === 'stopShard') return { ...message, session: null };
  if (message.kind === 'shutdown') return { ...message, sessions: [] };
  return message;
}

function dispatch(tx: Transaction, node: string, message: LaterMessage): void {
  switch (message.kind) {
    case 'heartbeat':
      return onHeartbeat(tx, node, message);
    case 'startShards':
      return onAllStarted(tx, node, message.shardIds);
    case 'stopShard':
      return onStopShard(tx, node, message);
    case 'prepareMigration':
      return onPrepared(tx, node, message);
    case 'allUserDataSent':
      return onAllUserDataSent(tx, node, message);
    case 'commandFailed':
      return onCommandFailed(tx, node, message);
    case 'leave':
      return onLeave(tx, node, message);
    case 'shutdown':
      return onShutdown(tx, node, message.sessions);
    case 'identifyRequest':
      return onIdentifyRequest(tx, node, message.shardId);
    case 'identifyFinished':
      if (message.ready && !holdsPermit(tx, node, message.shardId)) onIdentifiedWithoutPermit(tx, message.shardId);
      return finishIdentify(tx, node, message.shardId);
    case 'callStart':
      return onCallStart(tx, node, message);
    case 'callAnswer':
      return onCallAnswer(tx, node, message);
    case 'rolloutRequest':
      return onRolloutRequest(tx, node, message);
    case 'shardMayLeave':
    case 'transferOpened':
    case 'transferCopied':
    case 'transferWarm':
    case 'transferManifest':
    case 'transferVerified':
    case 'transferReleased':
    case 'transferActivated':
    case 'transferFailed':
      return onTransferAnswer(tx, node, message);
    // These take no transaction: see decide.ts.
    case 'userEvent':
    case 'transferData':
    case 'transferCredit':
      break;
  }
}

function violation(tx: Transaction, node: string, message: string, why: string): void {
  tx.record('protocolViolation', 'warn', `Node ${node} sent ${message}: ${why}.`, { node, message, why });
}

/** Not necessarily wrong: it may have crossed with a message of ours. */
function late(tx: Transaction, node: string, message: string, shard: number): void {
  const why = `nothing of the kind is asked of it for shard ${shard} now`;
  tx.record('protocolViolation', 'debug', `Node ${node} sent ${message}: ${why}.`, { node, message, why, shard });
}

/** Told once, however many there are: a list is as long as its sender likes. */
function onAllStarted(tx: Transaction, node: string, shardIds: readonly number[]): void {
  const [stranger] = shardIds.filter((shard) => tx.shard(shard) === undefined);
  if (stranger !== undefined) violation(tx, node, 'startShards', `there is no shard ${stranger}`);
  noteAnswered(tx, node);
  for (const shard of new Set(shardIds)) onStarted(tx, node, shard);
}

function onStarted(tx: Transaction, node: string, shard: number): void {
  const state = tx.shard(shard);
  if (state === undefined) return;
  const migration = migrationOf(tx, shard);
  if (migration !== undefined && isLive(migration)) {
    onStartedInTransfer(tx, node, migration);
  } else if (migration !== undefined) {
    const { step } = migration;
    if (migration.destination === node && step.kind === 'resuming') {
      onDestinationRuns(tx, migration, step.userEvents);
    } else if (migration.origin === node && (step.kind === 'preparing' || step.kind === 'transferring')) {
      onOriginTookBack(tx, migration);
    } else if (migration.destination === node || migration.origin === node) {
      late(tx, node, 'startShards', shard);
    } else {
      claim(tx, node, shard);
    }
  } else if (state.kind === 'starting' && state.node === node && state.step !== 'queued') {
    // A resume is answered at RESUMED, or READY; a start as soon as the shard is registered.
    const isUp = state.step === 'resume';
    tx.setShard(shard, { kind: 'running', node, since: tx.now, ...(isUp && { link: upLink(node, tx.now) }) });
    if (state.known !== null) noteCheckpoint(tx, shard, state.known);
    recordRunning(tx, node, shard, state);
  } else if (state.kind !== 'migrating' && (!('node' in state) || state.node !== node)) {
    claim(tx, node, shard);
  }
}

function recordRunning(
  tx: Transaction,
  node: string,
  shard: number,
  state: Extract<ShardState, { kind: 'starting' }>,
): void {
  const { known } = state;
  const sessionLost = state.sessionLost === true;
  const resumed = known !== null && !sessionLost;
  const how = resumed ? 'resumed' : 'started';
  const lost = sessionLost ? ' Its gateway session was gone, so it identified anew.' : '';
  const facts = { node, shard, resumed, sessionLost, gapMs: resumed ? Math.max(0, tx.now - known.at) : null };
  tx.record('shardRunning', 'info', `Shard ${shard} is ${how} on node ${node}.${lost}`, facts);
}

/** Not among the answers of the flow, but a node that says that it runs the shard is the truth about it. */
function onStartedInTransfer(tx: Transaction, node: string, migration: LiveMigration): void {
  const { step, origin, destination, shard } = migration;
  if (step.kind === 'releasing' && node === origin) onOriginKept(tx, migration, `node ${node} took it back`);
  else if (step.kind === 'activating' && node === destination) onActivated(tx, { ...migration, step }, true);
  else if (node === origin && step.kind !== 'activating') late(tx, node, 'startShards', shard);
  else claim(tx, node, shard);
}

function onStopShard(tx: Transaction, node: string, { shardId: shard, session }: MessageOf<'stopShard'>): void {
  const migration = migrationOf(tx, shard);
  if (migration !== undefined && isLive(migration)) {
    if (!onStopAnswer(tx, migration, node, session)) onStopped(tx, node, shard, session);
    return;
  }
  const { kind } = migration?.step ?? {};
  // In the steps between, it is the late answer to a stop of an attempt before this one.
  if (migration?.origin === node && kind === 'closing') onOriginStopped(tx, migration, session);
  else if (migration?.destination === node && kind === 'resuming') {
    onDestinationFailed(tx, migration, `node ${node} stopped it`, session);
  } else {
    onStopped(tx, node, shard, session);
  }
}

function onPrepared(tx: Transaction, node: string, message: MessageOf<'prepareMigration'>): void {
  const { shardId: shard, session } = message;
  const migration = migrationOf(tx, shard);
  if (migration !== undefined && isLive(migration)) {
    late(tx, node, 'prepareMigration', shard);
    return;
  }
  if (migration !== undefined) {
    onMigrationPrepared(tx, node, migration, message);
    return;
  }
  if (onReadyToResume(tx, node, shard)) return;
  const state = tx.shard(shard);
  const known = knownNow(tx, session);
  const hasClosed = state?.kind === 'running' && state.node === node && known !== null;
  if (hasClosed) {
    // An origin that closed only after its migration was aborted goes on.
    if (can(tx.node(node), 'sessions')) beginTakeBack(tx, shard, node, known);
    else beginResume(tx, shard, node, known);
  } else {
    late(tx, node, 'prepareMigration', shard);
    // It made room because it was told twice; nothing else would ever end that.
    const isHere = state !== undefined && 'node' in state && state.node === node;
    if (!message.origin && !isHere) tellAborted(tx, node, shard);
  }
}

function onMigrationPrepared(
  tx: Transaction,
  node: string,
  migration: BaseMigration,
  { shardId: shard, session }: MessageOf<'prepareMigration'>,
): void {
  const { step, origin, destination } = migration;
  if (step.kind === 'closing' && node === origin) {
    if (knownNow(tx, session) === null || session === null) {
      abort(tx, migration, `node ${origin} closed the shard without a session to resume`);
    } else {
      onOriginClosed(tx, migration, session);
    }
  } else if (step.kind === 'preparing' && node === destination) {
    onDestinationReady(tx, migration, step.session);
  } else if (step.kind !== 'resuming' && step.kind !== 'closing' && node === origin) {
    // Two sessions for one migration: the first was the late answer to an attempt before this one, and is stale.
    abort(tx, migration, `node ${origin} gave a second session for shard ${shard}`);
  } else {
    late(tx, node, 'prepareMigration', shard);
  }
}

function onAllUserDataSent(tx: Transaction, node: string, message: MessageOf<'allUserDataSent'>): void {
  const migration = transferOf(tx.state, node);
  if (migration?.step.kind !== 'transferring') {
    violation(tx, node, 'allUserDataSent', 'it has no transfer under way that this could end');
    return;
  }
  const { userEvents } = migration.step;
  if (message.numEvents === userEvents) onUserDataSent(tx, migration, migration.step);
  else {
    const counts = `${message.numEvents} user events were announced, ${userEvents} came`;
    abort(tx, migration, `the user data is not whole: ${counts}`);
  }
}

function onCommandFailed(tx: Transaction, node: string, message: MessageOf<'commandFailed'>): void {
  const { command, shardId: shard, message: reason } = message;
  const state = tx.shard(shard);
  const migration = migrationOf(tx, shard);
  const isPartOfIt = migration?.origin === node || migration?.destination === node;
  if (migration !== undefined && isPartOfIt && isBase(migration)) {
    migrationCommandFailed(tx, migration, node, reason);
  } else if (state?.kind === 'starting' && state.node === node && state.step !== 'queued' && command !== 'stopShard') {
    failStart(tx, shard, reason, false);
  } else if (state?.kind === 'stopping' && state.node === node && command === 'stopShard') {
    failStop(tx, shard, 'DSO_NODE_FAILED', reason);
  } else {
    late(tx, node, 'commandFailed', shard);
  }
}

function onIdentifyRequest(tx: Transaction, node: string, shard: number): void {
  const state = tx.shard(shard);
  if (state === undefined) {
    violation(tx, node, 'identifyRequest', `shard ${shard} is none it could identify`);
    return;
  }
  // Asking again means that the earlier attempt is over.
  finishIdentify(tx, node, shard);
  // A vacant shard, or one whose node is away, may well be the node's: it says so in its next heartbeat.
  if (isOthers(tx, node, shard, state)) claim(tx, node, shard);
  else if (tx.node(node)?.intent.kind === 'leaving') refuseIdentify(tx, node, shard, state);
  else enqueueIdentify(tx, node, shard);
}

/** Its node leaves: the shard is identified by whoever gets it. */
function refuseIdentify(tx: Transaction, node: string, shard: number, state: ShardState): void {
  if (state.kind === 'running' || state.kind === 'starting') stopHere(tx, node, shard);
}

/** Whether another connected node has the shard. */
function isOthers(tx: Transaction, node: string, shard: number, state: ShardState): boolean {
  const migration = migrationOf(tx, shard);
  if (migration !== undefined) return migration.destination !== node && migration.origin !== node;
  switch (state.kind) {
    case 'starting':
    case 'running':
    case 'stopping':
      return state.node !== node;
    case 'vacant':
    case 'parked':
    case 'unreachable':
    case 'migrating':
      return false;
  }
}
