/**
 * The connection to the orchestrator: idle → connecting → identifying → established → waiting → connecting …, for ever,
 * until closed. An orchestrator that is away costs no shard: the only shards that a lost connection touches are those
 * in the middle of a migration, and what happens to them is decided in origin.ts and destination.ts.
 *
 * The wait grows from `backoffMinMs` to `backoffMaxMs`, with jitter (half of it fixed, half drawn), and starts over
 * after an established connection; so does the patience for an answer to Identify, which doubles. After a refusal that
 * trying again does not cure the wait is `refusedRetryMs`.
 */
import { negotiate, type Challenge, type Identified, type NotLeader, type Rejected } from '@dshard/protocol';
import type { NodeErrorCode } from '../errors.js';
import { abortMigrationsOf } from './commands.js';
import type { Transaction } from './transaction.js';
import { whyNotObeyed } from './epochs.js';
import { beat, MAX_UNANSWERED } from './heartbeat.js';
import { sayLeave } from './leaving.js';
import { flushOutbox } from './outbox.js';
import { permitsAfterIdentified } from './permits.js';
import { bareIdentify, identifyMessage, trusted, unproven } from './trust.js';

/** Of the patience for an answer to Identify. */
const MOST_DOUBLINGS = 2;
/** A leader is found within a second. */
const MOST_BETWEEN_LEADERS_MS = 500;
/** A standby that becomes the leader does not listen for a moment: that is no orchestrator that has long been away. */
const MOST_ATTEMPTS_OF_A_STANDBY = 3;

export function beginConnecting(tx: Transaction, attempt: number): void {
  tx.set({ link: { kind: 'connecting', attempt } });
  tx.effect({ kind: 'connect' });
}

export function onConnected(tx: Transaction, connection: number, nonce: Uint8Array | null): void {
  if (tx.link.kind !== 'connecting') {
    tx.effect({ kind: 'dropConnection', connection, reason: 'It is not wanted any more.' });
    return;
  }
  tx.set({
    link: {
      kind: 'identifying',
      connection,
      attempt: tx.link.attempt,
      deadline: tx.now + patienceMs(tx, tx.link.attempt),
      trust: nonce === null ? { kind: 'notAsked' } : { kind: 'awaited', nonce },
    },
  });
  const message = nonce === null ? identifyMessage(tx) : bareIdentify(tx, nonce);
  tx.effect({ kind: 'identify', connection, message });
}

export function onChallenge(tx: Transaction, connection: number, { nonce, mac }: Challenge): void {
  const { link } = tx;
  if (link.kind !== 'identifying' || link.trust.kind !== 'awaited') {
    tx.log('warn', 'The orchestrator sent challenge, which nobody waits for; it is ignored.');
    return;
  }
  const { nodeId, capabilities } = tx.identity;
  const exchange = { nodeNonce: link.trust.nonce, orchestratorNonce: nonce, nodeId, capabilities };
  tx.set({ link: { ...link, trust: { kind: 'checking', exchange } } });
  tx.effect({ kind: 'checkChallenge', connection, exchange, mac });
}

export function onChallengeChecked(tx: Transaction, connection: number, isRight: boolean): void {
  const { link } = tx;
  if (link.kind !== 'identifying' || link.connection !== connection || link.trust.kind !== 'checking') return;
  if (!isRight) {
    const problem =
      'It has another token than this node. Give both the same DSO_TOKEN, or see which process listens there.';
    refuse(tx, connection, unproven(problem));
    return;
  }
  const { exchange } = link.trust;
  tx.set({ link: { ...link, trust: { kind: 'proven' } } });
  tx.effect({ kind: 'prove', connection, exchange, message: identifyMessage(tx) });
}

export function onIdentified(tx: Transaction, connection: number, said: Identified): void {
  const message = trusted(tx, said);
  if ('code' in message) return refuse(tx, connection, message);
  if (tx.totalShards !== null && message.totalShards !== tx.totalShards) {
    refuse(tx, connection, {
      kind: 'rejected',
      code: 'DSO_TOTAL_SHARDS_CHANGED' satisfies NodeErrorCode,
      message:
        `The orchestrator has ${message.totalShards} shards in total, and this node was started with ${tx.totalShards}. ` +
        'Restart the node, or give the orchestrator the old count.',
      retryable: false,
    });
    return;
  }
  const problem = whyNotObeyed(tx, message);
  if (problem !== null) return refuse(tx, connection, problem);
  const capabilities = negotiate(tx.identity.capabilities, message.capabilities);
  const beats = capabilities.includes('heartbeat') && message.heartbeatIntervalMs > 0;
  tx.set({
    totalShards: message.totalShards,
    leadShard: message.leadShard ?? 0,
    versionFailing: null,
    orchestratorEpoch: message.orchestratorEpoch ?? tx.orchestratorEpoch,
    identity: { ...tx.identity, nodeId: message.nodeId === '' ? tx.identity.nodeId : message.nodeId },
    link: {
      kind: 'established',
      connection,
      capabilities,
      heartbeat: beats
        ? {
            intervalMs: message.heartbeatIntervalMs,
            nextAt: tx.now,
            soonAt: null,
            sequence: 0,
            unanswered: 0,
            sent: [],
          }
        : null,
      reading: 'open',
    },
  });
  tx.effect({
    kind: 'established',
    connection,
    totalShards: message.totalShards,
    nodeId: tx.identity.nodeId,
    capabilities,
  });
  tx.effect({ kind: 'leased', leaseMs: beats ? (message.leaseMs ?? null) : null });
  flushOutbox(tx);
  permitsAfterIdentified(tx);
  sayLeave(tx);
}

export function onRefused(tx: Transaction, connection: number, rejection: Rejected): void {
  partWith(tx, connection, rejection, 'The orchestrator refused this node');
}

/** Somebody else leads, or nobody does yet: the wait does not grow as for an orchestrator that is away. */
export function onNotLeader(tx: Transaction, connection: number, { leader }: NotLeader): void {
  const attempt = tx.link.kind === 'identifying' ? tx.link.attempt : 0;
  const next = Math.min(attempt + 1, MOST_ATTEMPTS_OF_A_STANDBY);
  const reason = `This orchestrator does not lead; ${leader === null ? 'it does not know who does' : `${leader} does`}.`;
  tx.log(attempt === 0 ? 'info' : 'debug', reason, { attempt });
  tx.effect({ kind: 'closeConnection', connection, reason });
  tx.effect({ kind: 'leaderIs', address: leader });
  waitAndRetry(tx, next, Math.min(backoffMs(tx, attempt, 1), MOST_BETWEEN_LEADERS_MS), reason);
}

/** This node refuses the orchestrator, for what it says or does not say. */
function refuse(tx: Transaction, connection: number, problem: Rejected): void {
  partWith(tx, connection, problem, 'This node refuses the orchestrator');
}

function partWith(tx: Transaction, connection: number, { code, message, retryable }: Rejected, who: string): void {
  const link = tx.link;
  const attempt = link.kind === 'identifying' ? link.attempt : 0;
  tx.effect({ kind: 'closeConnection', connection, reason: message });
  abortMigrationsOf(tx, connection);
  if (retryable) {
    tx.log('warn', `${who} for now: ${message}`, { code });
    waitAndRetry(tx, attempt + 1, backoffMs(tx, attempt, 1), message);
    return;
  }
  tx.log(
    'error',
    `${who} (${code}): ${message} Shards that run here go on; ` +
      `the node tries again every ${tx.limits.refusedRetryMs / 1000} s, so that correcting the orchestrator is enough.`,
    { code },
  );
  waitAndRetry(tx, attempt + 1, tx.limits.refusedRetryMs, message);
}

/** What came over this connection no orchestrator can have meant: it is made anew, and the shards go on. */
export function onImpossible(tx: Transaction, connection: number, reason: string): void {
  tx.log('error', `The connection to the orchestrator is closed, and the shards go on: ${reason}.`);
  tx.effect({ kind: 'closeConnection', connection, reason });
  abortMigrationsOf(tx, connection);
  waitAndRetry(tx, 1, backoffMs(tx, 1, 1), reason);
}

export function onConnectFailed(tx: Transaction, reason: string, jitter: number): void {
  if (tx.link.kind !== 'connecting') {
    return;
  }
  const { attempt } = tx.link;
  // Once a minute at most: an orchestrator that is away for an hour is one fact, not a thousand.
  tx.log(attempt % 12 === 0 ? 'warn' : 'debug', `The orchestrator cannot be reached: ${reason}`, { attempt });
  waitAndRetry(tx, attempt + 1, backoffMs(tx, attempt, jitter), reason);
}

export function onDisconnected(tx: Transaction, connection: number, reason: string, jitter: number): void {
  const link = tx.link;
  if ((link.kind !== 'identifying' && link.kind !== 'established') || link.connection !== connection) {
    return;
  }
  const attempt = link.kind === 'identifying' ? link.attempt + 1 : 0;
  tx.log('warn', `The connection to the orchestrator is lost; the shards go on: ${reason}`);
  abortMigrationsOf(tx, connection);
  waitAndRetry(tx, attempt, backoffMs(tx, attempt, jitter), reason);
}

/** An orchestrator with many nodes to let in gets more time with each attempt: who gives up stands last in line. */
function patienceMs(tx: Transaction, attempt: number): number {
  return tx.limits.identifyTimeoutMs * 2 ** Math.min(attempt, MOST_DOUBLINGS);
}

function backoffMs(tx: Transaction, attempt: number, jitter: number): number {
  const full = Math.min(tx.limits.backoffMaxMs, tx.limits.backoffMinMs * 2 ** Math.min(attempt, 20));
  return full / 2 + (full / 2) * jitter;
}

function waitAndRetry(tx: Transaction, attempt: number, waitMs: number, reason: string): void {
  // A node without shards that only ends what it is at has nothing to connect for.
  const isOver = tx.lifecycle.kind === 'lingering';
  tx.set({ link: isOver ? { kind: 'closed' } : { kind: 'waiting', attempt, until: tx.now + waitMs, reason } });
}

/** What of the connection is due now. */
export function tickLink(tx: Transaction): void {
  const link = tx.link;
  switch (link.kind) {
    case 'waiting':
      if (tx.now >= link.until) {
        beginConnecting(tx, link.attempt);
      }
      return;
    case 'identifying':
      if (tx.now >= link.deadline) {
        drop(tx, link.connection, 'The orchestrator did not answer Identify in time.');
      }
      return;
    case 'established':
      if (beat(tx) === 'unanswered') {
        drop(tx, link.connection, `The orchestrator left ${MAX_UNANSWERED} heartbeats unanswered.`);
      }
      return;
    case 'idle':
    case 'connecting':
    case 'closed':
      return;
  }
}

function drop(tx: Transaction, connection: number, reason: string): void {
  tx.effect({ kind: 'dropConnection', connection, reason });
  onDisconnected(tx, connection, reason, 0.5);
}
