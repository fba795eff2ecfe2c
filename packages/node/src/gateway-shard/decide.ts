/**
 * What one gateway shard does: `decide(state, event, now)` returns its next state and what is to be done. Pure, and the
 * same for every host, the simulator and the exhaustive checker. driver.ts carries out the effects.
 *
 *     connecting.ts  from no connection to READY or RESUMED
 *     loss.ts        the end of a connection, and of a session
 *     retries.ts     when the next one may be made
 *     delivery.ts    which dispatch goes to user code, and when
 *     quiet.ts       when a silent connection is doubted
 *
 * What is no longer so is ignored: an answer to a question of before, an order to a shard that is stopped.
 */
import {
  connect,
  connectWhenDue,
  onDispatch,
  onHello,
  onLate,
  onLease,
  onLocated,
  onPermit,
  resumeWhenOpen,
} from './connecting.js';
import { withoutUrl } from './cursor.js';
import { endHold, freezeDelivery, onTrust } from './delivery.js';
import type { Decision, GatewayShardEvent, Moment } from './events.js';
import { closed, dropDoubtful, endPermit, enterRefused, lose, loseSession, onClosed } from './loss.js';
import { look, watchQuiet } from './quiet.js';
import { finalCursor, isConnected, type GatewayShardState } from './state.js';
import { Transaction } from './transaction.js';

export type Decide = (state: GatewayShardState, event: GatewayShardEvent, now: Moment) => Decision<GatewayShardState>;

export function decide(state: GatewayShardState, event: GatewayShardEvent, now: Moment): Decision<GatewayShardState> {
  const tx = new Transaction(state, now);
  on(tx, event);
  connectWhenDue(tx);
  return { state: tx.state, effects: tx.effects };
}

function on(tx: Transaction, event: GatewayShardEvent): void {
  switch (event.kind) {
    case 'connect':
      return begin(tx, 'open', event.ageMs);
    case 'preconnect':
      return begin(tx, 'preconnected');
    case 'resume':
      return resume(tx, event);
    case 'freeze':
      return freeze(tx);
    case 'unfreeze':
      return unfreeze(tx);
    case 'loaded':
      return endHold(tx, 'loading');
    case 'stop':
      return stop(tx, event.code);
    case 'hello':
      return onHello(tx);
    case 'dispatch':
      return onDispatch(tx, event.payload);
    case 'reconnect':
      return lose(tx, { reason: 'Discord asked to reconnect (op 7)', cause: 'attached' });
    case 'invalidSession':
      return invalidSession(tx, event.resumable);
    case 'zombie':
      return lose(tx, { reason: 'it does not acknowledge heartbeats', cause: 'unproven' });
    case 'closing':
      return dropDoubtful(tx);
    case 'closed':
      return onClosed(tx, event.code);
    case 'permit':
      return onPermit(tx);
    case 'lease':
      return onLease(tx, event.outcome);
    case 'trust':
      return onTrust(tx, event.outcome);
    case 'located':
      return onLocated(tx, event.url);
    case 'tick':
      return tick(tx);
  }
}

function begin(tx: Transaction, mode: 'open' | 'preconnected', ageMs?: number): void {
  if (tx.state.mode.kind !== 'new') return;
  tx.enterMode({ kind: mode });
  beginQuiet(tx, ageMs);
  connect(tx);
}

/** From here on the session is one that somebody else may take. */
function beginQuiet(tx: Transaction, ageMs = 0): void {
  const { session, rules } = tx.state;
  const { ms: now, draw } = tx.now;
  tx.set({ heardAt: now - ageMs, quiet: session === null ? null : watchQuiet(rules.quietMs, { now, draw }, true) });
}

function resume(tx: Transaction, event: Extract<GatewayShardEvent, { kind: 'resume' }>): void {
  const { session, redelivers, ageMs } = event;
  const { mode, link, deadUrl } = tx.state;
  if (mode.kind !== 'preconnected') return;
  tx.enterMode({ kind: 'open' });
  tx.set({ session: session.resumeGatewayUrl === deadUrl ? withoutUrl(session) : session, redelivers });
  beginQuiet(tx, ageMs);
  if (link.kind === 'down' || link.kind === 'closing') tx.updateLink({ ...link, notBefore: tx.now.ms });
  resumeWhenOpen(tx);
}

function freeze(tx: Transaction): void {
  if (tx.state.mode.kind !== 'open' || whyNotMovable(tx.state) !== null) return;
  tx.enterMode({ kind: 'frozen', refused: null });
  freezeDelivery(tx);
}

/** Why another node could not go on where this one is; null: it could. */
export function whyNotMovable({
  session,
  redelivers,
  delivery,
}: GatewayShardState): 'noSession' | 'replaying' | 'loading' | null {
  if (session === null) return 'noSession';
  // It would not know which events of the replay are to be marked.
  if (redelivers) return 'replaying';
  return delivery.kind === 'hold' && delivery.why === 'loading' ? 'loading' : null;
}

/** What was kept is handed over first; then the shard goes on, with the connection that it has. */
function unfreeze(tx: Transaction): void {
  const { mode } = tx.state;
  if (mode.kind !== 'frozen') return;
  if (mode.refused === null) tx.enterMode({ kind: 'open' });
  else enterRefused(tx, mode.refused);
  endHold(tx, 'freeze');
  resumeWhenOpen(tx);
}

/** From here on nothing is handed over, and the cursor is final. */
function stop(tx: Transaction, code: number): void {
  const { mode, link, rules } = tx.state;
  if (mode.kind === 'stopped') return;
  tx.enterMode({ kind: 'stopped', cursor: finalCursor(tx.state) });
  tx.set({ quiet: null });
  tx.effect({ kind: 'fail' });
  if (tx.state.delivery.kind !== 'skip') tx.enterDelivery({ kind: 'skip' });
  endPermit(tx, link);
  if (link.kind === 'closing') return;
  if (isConnected(link)) {
    tx.effect({ kind: 'close', code });
    tx.enterLink({ kind: 'closing', until: tx.now.ms + rules.closeMs, notBefore: Infinity, cause: 'attached' });
    return;
  }
  if (link.kind !== 'down') tx.enterLink({ kind: 'down', notBefore: Infinity, cause: 'attached' });
  tx.effect({ kind: 'gone' });
}

/** Discord asks to wait before the next attempt, resumable or not. */
function invalidSession(tx: Transaction, resumable: boolean): void {
  if (!isConnected(tx.state.link)) return;
  if (!resumable) loseSession(tx, 'Discord says that it is invalid (op 9)');
  const reason = `Discord says that the session is invalid (op 9, ${resumable ? 'resumable' : 'gone'})`;
  lose(tx, { reason, cause: 'attached', isInvalidated: true });
}

function tick(tx: Transaction): void {
  const { link } = tx.state;
  onLate(tx);
  if (link.kind === 'closing' && link.until <= tx.now.ms) {
    tx.log('debug', 'Discord did not answer the close; the connection is cut.');
    tx.effect({ kind: 'cut' });
    closed(tx);
  }
  lookIfQuiet(tx);
}

/** Its connection may be deaf, or have lost the session without a word. */
function lookIfQuiet(tx: Transaction): void {
  const { quiet, mode, link, rules } = tx.state;
  if (quiet === null || quiet.at > tx.now.ms) return;
  const { ms: now, draw } = tx.now;
  const isReady = mode.kind === 'open' && link.kind === 'ready';
  // To a shard that is on its way up, or frozen, nothing has to come.
  if (!isReady && !quiet.heard) return tx.set({ quiet: { ...quiet, at: now + rules.quietMs } });
  const looked = look(quiet, rules.quietMs, { now, draw });
  tx.set({ quiet: looked.quiet });
  if (looked.isDoubtful) {
    lose(tx, { reason: 'nothing came for a while', cause: quiet.foreign ? 'displaced' : 'unproven' });
  }
}

/** When `tick` is to come next; Infinity: nothing is due. */
export function dueAt({ mode, link, quiet, delivery }: GatewayShardState): number {
  const waitsForUser = delivery.kind === 'hold' && delivery.isFull;
  const connectsAt = link.kind === 'down' && mode.kind === 'open' && !waitsForUser ? link.notBefore : Infinity;
  const late = 'until' in link ? link.until : Infinity;
  return Math.min(connectsAt, late, quiet?.at ?? Infinity);
}
