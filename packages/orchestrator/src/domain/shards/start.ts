/**
 * Starting shards on a node.
 *
 * With a known gateway session by resumeShards (RESUME first: an IDENTIFY is scarce), which the node answers with
 * startShards; without one by startShards. A node of the base level is always started anew, as by the ancestor: to it a
 * session comes with the state that belongs to it, or not at all. Only its own session is given back to it, when it
 * closed the shard for a migration that is off, by a migration without an origin: prepareMigration{origin: false} → the
 * node is ready → allUserDataSent{0}. The steps are described at `StartStep`.
 */
import type { ShardToResume } from '@dshard/protocol';
import type { KnownSession } from '../state/commands.js';
import { assign } from './epochs.js';
import { enqueueIdentify, dequeueIdentify } from './identify-permits.js';
import { can, hasConnection } from '../state/nodes.js';
import type { StartStep } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { beginStop } from './stop.js';
import { inexact, vacate } from './vacate.js';

/**
 * So many nodes in a row say that they cannot resume a shard: then it is started anew. Only Discord can say that a
 * session is gone, but a shard that nobody can resume serves nobody.
 */
const MOST_REFUSALS = 3;

/** Pause after a node could not start a shard, so that a shard that cannot be started is not tried in a tight loop. */
const START_RETRY_MS = 5_000;

/** Starts vacant shards on a connected node. */
export function startOn(tx: Transaction, node: string, shards: readonly number[]): void {
  const target = tx.node(node);
  const batch: number[] = [];
  const resumes: ShardToResume[] = [];
  for (const shard of shards) {
    const state = tx.shard(shard);
    if (state?.kind !== 'vacant') continue;
    if (state.known !== null && can(target, 'resume-shards')) {
      setStarting(tx, shard, node, 'resume', state.known);
      resumes.push(toResume(tx, shard, state.known));
    } else if (can(target, 'identify-permits')) {
      setStarting(tx, shard, node, 'start', null);
      batch.push(shard);
    } else {
      // Until the start is sent the session stays: another node may get the shard, or name as running what was closed.
      setStarting(tx, shard, node, 'queued', state.known);
      enqueueIdentify(tx, node, shard);
    }
  }
  if (batch.length > 0) tx.send(node, { kind: 'startShards', shardIds: batch });
  if (resumes.length > 0) tx.send(node, { kind: 'resumeShards', shards: resumes });
  if (shards.length > 0) {
    tx.record('shardsStarting', 'info', `Starting ${shards.length} shard(s) on node ${node}.`, { node, shards });
  }
}

function setStarting(tx: Transaction, shard: number, node: string, step: StartStep, known: KnownSession | null): void {
  const isSent = step !== 'queued';
  if (isSent) assign(tx, shard);
  const deadline = isSent ? tx.now + tx.settings.commandTimeoutMs : Number.POSITIVE_INFINITY;
  const left = isSent ? inexact(known) : known;
  tx.setShard(shard, { kind: 'starting', node, since: tx.now, deadline, known: left, step });
}

function toResume(tx: Transaction, shard: number, { session, exact, at }: KnownSession): ShardToResume {
  const ageMs = Math.max(0, Math.round(tx.now - at));
  const takeover = exact === true ? 'exact' : 'checkpoint';
  return { ...session, shardId: shard, takeover, ...(ageMs > 0 && { ageMs }) };
}

export function beginResume(tx: Transaction, shard: number, node: string, known: KnownSession): void {
  if (can(tx.node(node), 'resume-shards')) {
    setStarting(tx, shard, node, 'resume', known);
    tx.send(node, { kind: 'resumeShards', shards: [toResume(tx, shard, known)] });
    return;
  }
  setStarting(tx, shard, node, 'prepare', known);
  const message = { kind: 'prepareMigration', origin: false, shardId: shard, session: known.session } as const;
  const takeover = known.exact === true ? 'exact' : 'checkpoint';
  tx.send(node, can(tx.node(node), 'epochs') ? { ...message, takeover } : message);
}

/**
 * The node was in the middle of handing the shard over and is to run it after all. It knows best how: it may be
 * serving, frozen, or have closed the session, which it then resumes.
 */
export function beginTakeBack(tx: Transaction, shard: number, node: string, known: KnownSession | null): void {
  setStarting(tx, shard, node, 'start', known);
  tx.send(node, { kind: 'startShards', shardIds: [shard] });
}

/** The node is ready to resume the shard: there is no user data to wait for. */
export function onReadyToResume(tx: Transaction, node: string, shard: number): boolean {
  const state = tx.shard(shard);
  if (state?.kind !== 'starting' || state.node !== node || state.step !== 'prepare') return false;
  tx.setShard(shard, { ...state, step: 'resume', since: tx.now, deadline: tx.now + tx.settings.commandTimeoutMs });
  tx.send(node, { kind: 'allUserDataSent', numEvents: 0 });
  return true;
}

/** Tells a node that a shard is not coming to it (any more). */
export function tellAborted(tx: Transaction, id: string, shard: number): void {
  const node = tx.node(id);
  if (node !== undefined && hasConnection(node)) tx.send(id, { kind: 'stopShard', shardId: shard, session: null });
}

/**
 * The node could not start the shard. It has to wait a while, and keeps its session: that a node did not answer, or
 * failed, says nothing of the session. (A base-level node cannot say more, so after a failed resume it is started anew
 * at once.)
 * @param mayStillTry whether the node may go on with it (it did not answer), so that it is told to leave it.
 */
export function failStart(tx: Transaction, shard: number, reason: string, mayStillTry: boolean): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'starting') return;
  const { node, step, known } = state;
  dequeueIdentify(tx, node, shard);
  const isResume = step === 'prepare' || step === 'resume';
  const says = `Node ${node} could not`;
  if (isResume && can(tx.node(node), 'sessions')) {
    if (mayStillTry) stopFirst(tx, shard, node, reason, known);
    else {
      const kept = afterRefusal(known);
      vacate(tx, shard, kept, tx.now + START_RETRY_MS);
      const then = kept === null ? `; after ${MOST_REFUSALS} nodes it will be started anew` : '; its session is kept';
      const text = `${says} resume shard ${shard}${then}: ${reason}.`;
      tx.record('commandFailed', 'warn', text, { node, shard, reason });
    }
    return;
  }
  if (mayStillTry && step !== 'queued') {
    tellAborted(tx, node, shard);
  }
  vacate(tx, shard, isResume ? null : known, isResume ? tx.now : tx.now + START_RETRY_MS);
  const what = isResume ? `resume shard ${shard}; it will be started anew` : `start shard ${shard}`;
  tx.record('commandFailed', 'warn', `${says} ${what}: ${reason}.`, { node, shard, reason });
}

/**
 * The node may be resuming the shard yet: it is made to stop it, and whoever comes next goes on from where it stopped.
 */
function stopFirst(tx: Transaction, shard: number, node: string, reason: string, known: KnownSession | null): void {
  beginStop(tx, shard, node, null, known);
  const text = `Node ${node} did not resume shard ${shard}, and is told to stop it: ${reason}.`;
  tx.record('commandFailed', 'warn', text, { node, shard, reason });
}

function afterRefusal(known: KnownSession | null): KnownSession | null {
  const refusals = (known?.refusals ?? 0) + 1;
  return known === null || refusals >= MOST_REFUSALS ? null : { ...known, refusals };
}

export function expireStart(tx: Transaction, shard: number): void {
  const state = tx.shard(shard);
  if (state?.kind === 'starting') noteUnanswered(tx, state.node);
  failStart(tx, shard, `no answer within ${tx.settings.commandTimeoutMs} ms`, true);
}

function noteUnanswered(tx: Transaction, id: string): void {
  const node = tx.node(id);
  if (node === undefined) return;
  const { unanswered, nodes } = tx.state;
  const known = unanswered.get(id);
  const times = known?.joinedAt === node.joinedAt ? known.times + 1 : 1;
  const kept = [...unanswered].filter(([each]) => nodes.has(each));
  tx.patch({ unanswered: new Map(kept).set(id, { joinedAt: node.joinedAt, times }) });
}

/** It does answer. */
export function noteAnswered(tx: Transaction, id: string): void {
  if (!tx.state.unanswered.has(id)) return;
  const unanswered = new Map(tx.state.unanswered);
  unanswered.delete(id);
  tx.patch({ unanswered });
}

/** A start that was not sent yet is taken back. */
export function unqueue(tx: Transaction, shard: number): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'starting' || state.step !== 'queued') return;
  dequeueIdentify(tx, state.node, shard);
  vacate(tx, shard, state.known);
}
