/**
 * The connection to the orchestrator: idle → connecting → identifying → established → waiting → connecting …, for ever,
 * until closed. An orchestrator that is away costs no shard: the only shards that a lost connection touches are those in
 * the middle of a migration, and what happens to them is decided in origin.ts and destination.ts.
 *
 * The wait grows from `backoffMinMs` to `backoffMaxMs`, with jitter (half of it fixed, half drawn), and starts over after
 * an established connection. After a refusal that trying again does not cure it is `refusedRetryMs`.
 */
import { LOGIC_VERSION, negotiate } from '@dshard/protocol';
import type { Identified, Identify, Rejected, ShardSession } from '@dshard/protocol';
import type { NodeErrorCode } from '../errors.js';
import { dropMigrationsOf } from './commands.js';
import type { Draft } from './draft.js';
import { notObeyed } from './epochs.js';
import { beat, MAX_UNANSWERED } from './heartbeat.js';
import { givenAway } from './live-origin.js';
import { flushOutbox } from './outbox.js';
import { permitsAfterIdentified } from './permits.js';
import { isTaken } from './reports.js';
import type { ShardStateKind } from './state.js';

/** Shards in these states belong to this node. The others are held (said separately) or only being handed to it. */
const OWNED: ReadonlySet<ShardStateKind> = new Set([
  'starting',
  'running',
  'stopping',
  'freezing',
  'frozen',
  'sending',
  'resuming',
  'announcing',
  'announced',
  'offered',
  'copying',
  'copied',
  'halting',
  'flushing',
  'sealed',
  'thawing',
  'activating',
]);

export function beginConnecting(draft: Draft, attempt: number): void {
  draft.set({ link: { kind: 'connecting', attempt } });
  draft.effect({ kind: 'connect' });
}

export function onConnected(draft: Draft, connection: number): void {
  if (draft.link.kind !== 'connecting') {
    draft.effect({ kind: 'dropConnection', connection, reason: 'It is not wanted any more.' });
    return;
  }
  draft.set({
    link: {
      kind: 'identifying',
      connection,
      attempt: draft.link.attempt,
      deadline: draft.now + draft.limits.identifyTimeoutMs,
    },
  });
  draft.effect({ kind: 'identify', connection, message: identifyMessage(draft) });
}

function identifyMessage(draft: Draft): Identify {
  const runningShards: number[] = [];
  const heldSessions: ShardSession[] = [];
  for (const [shardId, shard] of draft.shards) {
    const session = givenAway(shard);
    if (OWNED.has(shard.kind) && !isTaken(shard)) {
      runningShards.push(shardId);
    } else if (session !== null) {
      heldSessions.push({ shardId, ...session });
    }
  }
  runningShards.sort((a, b) => a - b);
  const epochs = {
    runningEpochs: runningShards.map((shardId) => draft.epochOf(shardId)),
    orchestratorEpoch: draft.orchestratorEpoch,
  };
  return {
    ...(draft.identity.capabilities.includes('epochs') ? epochs : {}),
    kind: 'identify',
    totalShards: draft.totalShards ?? 0,
    runningShards,
    version: draft.identity.version,
    nodeId: draft.identity.nodeId,
    logicVersion: LOGIC_VERSION,
    capabilities: draft.identity.capabilities,
    token: draft.identity.token,
    host: draft.identity.host,
    pid: draft.identity.pid,
    heldSessions,
    instance: draft.identity.instance,
    bounds: draft.identity.bounds,
  };
}

export function onIdentified(draft: Draft, connection: number, message: Identified): void {
  if (draft.totalShards !== null && message.totalShards !== draft.totalShards) {
    refused(draft, connection, {
      kind: 'rejected',
      code: 'DSO_TOTAL_SHARDS_CHANGED' satisfies NodeErrorCode,
      message:
        `The orchestrator has ${message.totalShards} shards in total, and this node was started with ${draft.totalShards}. ` +
        'Restart the node, or give the orchestrator the old count.',
      retryable: false,
    });
    return;
  }
  const problem = notObeyed(draft, message);
  if (problem !== null) return refused(draft, connection, problem);
  const capabilities = negotiate(draft.identity.capabilities, message.capabilities);
  const beats = capabilities.includes('heartbeat') && message.heartbeatIntervalMs > 0;
  draft.set({
    totalShards: message.totalShards,
    leadShard: message.leadShard ?? 0,
    orchestratorEpoch: message.orchestratorEpoch ?? draft.orchestratorEpoch,
    identity: { ...draft.identity, nodeId: message.nodeId === '' ? draft.identity.nodeId : message.nodeId },
    link: {
      kind: 'established',
      connection,
      capabilities,
      heartbeat: beats
        ? {
            intervalMs: message.heartbeatIntervalMs,
            nextAt: draft.now,
            soonAt: null,
            sequence: 0,
            unanswered: 0,
            sent: [],
          }
        : null,
      reading: 'open',
    },
  });
  draft.effect({
    kind: 'established',
    connection,
    totalShards: message.totalShards,
    nodeId: draft.identity.nodeId,
    capabilities,
  });
  draft.effect({ kind: 'leased', leaseMs: beats ? (message.leaseMs ?? null) : null });
  flushOutbox(draft);
  permitsAfterIdentified(draft);
}

/** The orchestrator refuses this connection, or we do for what it says. */
export function refused(draft: Draft, connection: number, rejection: Rejected): void {
  const link = draft.link;
  const attempt = link.kind === 'identifying' ? link.attempt : 0;
  draft.effect({ kind: 'closeConnection', connection, reason: rejection.message });
  dropMigrationsOf(draft, connection);
  if (rejection.retryable) {
    draft.log('warn', `The orchestrator refused this node for now: ${rejection.message}`, { code: rejection.code });
    waitAndRetry(draft, attempt + 1, backoffMs(draft, attempt, 1), rejection.message);
    return;
  }
  draft.log(
    'error',
    `The orchestrator refused this node (${rejection.code}): ${rejection.message} Shards that run here go on; ` +
      `the node tries again every ${draft.limits.refusedRetryMs / 1000} s, so that correcting the orchestrator is enough.`,
    { code: rejection.code },
  );
  waitAndRetry(draft, attempt + 1, draft.limits.refusedRetryMs, rejection.message);
}

export function onConnectFailed(draft: Draft, reason: string, jitter: number): void {
  if (draft.link.kind !== 'connecting') {
    return;
  }
  const { attempt } = draft.link;
  // Once a minute at most: an orchestrator that is away for an hour is one fact, not a thousand.
  draft.log(attempt % 12 === 0 ? 'warn' : 'debug', `The orchestrator cannot be reached: ${reason}`, { attempt });
  waitAndRetry(draft, attempt + 1, backoffMs(draft, attempt, jitter), reason);
}

export function onDisconnected(draft: Draft, connection: number, reason: string, jitter: number): void {
  const link = draft.link;
  if ((link.kind !== 'identifying' && link.kind !== 'established') || link.connection !== connection) {
    return;
  }
  const attempt = link.kind === 'identifying' ? link.attempt + 1 : 0;
  draft.log('warn', `The connection to the orchestrator is lost; the shards go on: ${reason}`);
  dropMigrationsOf(draft, connection);
  waitAndRetry(draft, attempt, backoffMs(draft, attempt, jitter), reason);
}

function backoffMs(draft: Draft, attempt: number, jitter: number): number {
  const full = Math.min(draft.limits.backoffMaxMs, draft.limits.backoffMinMs * 2 ** Math.min(attempt, 20));
  return full / 2 + (full / 2) * jitter;
}

function waitAndRetry(draft: Draft, attempt: number, waitMs: number, reason: string): void {
  // A node without shards that only ends what it is at has nothing to connect for.
  const isOver = draft.lifecycle.kind === 'lingering';
  draft.set({ link: isOver ? { kind: 'closed' } : { kind: 'waiting', attempt, until: draft.now + waitMs, reason } });
}

/** What of the connection is due now. */
export function tickLink(draft: Draft): void {
  const link = draft.link;
  switch (link.kind) {
    case 'waiting':
      if (draft.now >= link.until) {
        beginConnecting(draft, link.attempt);
      }
      return;
    case 'identifying':
      if (draft.now >= link.deadline) {
        drop(draft, link.connection, 'The orchestrator did not answer Identify in time.');
      }
      return;
    case 'established':
      if (beat(draft) === 'unanswered') {
        drop(draft, link.connection, `The orchestrator left ${MAX_UNANSWERED} heartbeats unanswered.`);
      }
      return;
    case 'idle':
    case 'connecting':
    case 'closed':
      return;
  }
}

function drop(draft: Draft, connection: number, reason: string): void {
  draft.effect({ kind: 'dropConnection', connection, reason });
  onDisconnected(draft, connection, reason, 0.5);
}
