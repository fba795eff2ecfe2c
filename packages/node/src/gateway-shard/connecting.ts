/**
 * From no connection to READY or RESUMED: whose the session is, where to, HELLO, then RESUME where there is a session
 * and IDENTIFY, with leave, where there is none.
 */
import { sessionOf, trustedResumeUrl, type Dispatch } from './cursor.js';
import { connected, take } from './delivery.js';
import { lose } from './loss.js';
import type { Cursor } from '../session/state.js';
import { hear, watchQuiet, type Quiet } from './quiet.js';
import { withResume } from './retries.js';
import type { GatewayShardState } from './state.js';
import type { Transaction } from './transaction.js';

/** Whether a preconnected connection leads, or will lead, to where `session` has to be resumed. */
export function isPreconnectedFor({ mode, link, gatewayUrl, deadUrl }: GatewayShardState, session: Cursor): boolean {
  if (mode.kind !== 'preconnected') return false;
  const url = session.resumeGatewayUrl === deadUrl ? '' : trustedResumeUrl(session.resumeGatewayUrl, gatewayUrl);
  return link.kind !== 'connecting' && link.kind !== 'waiting' ? true : link.url === (url || gatewayUrl);
}

/** The next connection, if it is time and the shard is to have one. */
export function connectWhenDue(tx: Transaction): void {
  const { mode, link, delivery } = tx.state;
  const waitsForUser = delivery.kind === 'hold' && delivery.isFull;
  if (mode.kind !== 'open' || link.kind !== 'down' || link.notBefore > tx.now.ms || waitsForUser) return;
  connect(tx);
}

export function connect(tx: Transaction): void {
  const { link, session } = tx.state;
  if (link.kind !== 'down') return;
  if (session === null) return chooseUrl(tx);
  const { cause } = link;
  tx.enterLink({ kind: 'asking', cause });
  tx.effect({ kind: 'askLease', cause });
}

/** The answer to askLease. */
export function onLease(tx: Transaction, outcome: 'confirmed' | 'timedOut'): void {
  const { link, mode } = tx.state;
  if (link.kind === 'asking') {
    if (outcome === 'timedOut' || link.cause === 'displaced') contested(tx);
    if (mode.kind === 'frozen') return tx.enterLink({ kind: 'down', notBefore: tx.now.ms, cause: 'attached' });
    chooseUrl(tx);
  } else if (link.kind === 'waiting' && link.asked) {
    if (outcome === 'timedOut') contested(tx);
    if (mode.kind === 'open') sendResume(tx);
    else tx.updateLink({ ...link, asked: false });
  }
}

/** Another node may have had the session, and handled what is replayed next. */
function contested(tx: Transaction): void {
  tx.set({ redelivers: tx.state.session !== null });
}

/** A resume URL where that may be used, else the generic one. */
function chooseUrl(tx: Transaction): void {
  const { session, gatewayUrl } = tx.state;
  const url = trustedResumeUrl(session?.resumeGatewayUrl ?? '', gatewayUrl);
  if (url !== '') return open(tx, url);
  if (gatewayUrl !== null) return open(tx, gatewayUrl);
  tx.enterLink({ kind: 'locating' });
  tx.effect({ kind: 'locate' });
}

/** The answer to locate. The generic URL vouches for resume URLs, too. */
export function onLocated(tx: Transaction, url: string): void {
  const { link, mode } = tx.state;
  tx.set({ gatewayUrl: url });
  if (link.kind !== 'locating') return;
  if (mode.kind === 'frozen') tx.enterLink({ kind: 'down', notBefore: tx.now.ms, cause: 'attached' });
  else chooseUrl(tx);
}

function open(tx: Transaction, url: string): void {
  const { handshakeMs, helloMs } = tx.state.rules;
  tx.enterLink({ kind: 'connecting', url, until: tx.now.ms + handshakeMs + helloMs });
  tx.effect({ kind: 'open', url, resumes: tx.state.session !== null });
}

export function onHello(tx: Transaction): void {
  const { link, session, mode } = tx.state;
  if (link.kind !== 'connecting') return;
  connected(tx);
  if (session === null) {
    tx.enterLink({ kind: 'awaitingPermit' });
    tx.effect({ kind: 'requestPermit' });
    return;
  }
  tx.enterLink({ kind: 'waiting', url: link.url, asked: false });
  if (mode.kind === 'preconnected') tx.effect({ kind: 'preconnected', failure: null });
  resumeWhenOpen(tx);
}

/** At HELLO: the process may have slept since it connected. */
export function resumeWhenOpen(tx: Transaction): void {
  const { link, mode } = tx.state;
  if (link.kind !== 'waiting' || link.asked || mode.kind !== 'open') return;
  tx.updateLink({ ...link, asked: true });
  tx.effect({ kind: 'askLease', cause: 'attached' });
}

function sendResume(tx: Transaction): void {
  const { session, rules, retries } = tx.state;
  if (session === null) return;
  tx.set({ retries: withResume(retries, rules, tx.now.ms) });
  tx.enterLink({ kind: 'resuming', until: tx.now.ms + rules.resumeMs });
  tx.effect({ kind: 'resume', session });
}

export function onPermit(tx: Transaction): void {
  if (tx.state.link.kind !== 'awaitingPermit') return;
  tx.enterLink({ kind: 'identifying', until: tx.now.ms + tx.state.rules.identifyMs });
  tx.effect({ kind: 'identify' });
}

export function onDispatch(tx: Transaction, payload: Dispatch): void {
  const { link, rules, quiet } = tx.state;
  if (link.kind === 'identifying') return payload.t === 'READY' ? onReady(tx, payload) : undefined;
  if (link.kind !== 'resuming' && link.kind !== 'ready') return;
  if (payload.t === 'RESUMED') return onResumed(tx, payload);
  if (link.kind === 'resuming') tx.updateLink({ kind: 'resuming', until: tx.now.ms + rules.resumeMs });
  if (quiet !== null && !quiet.heard) noteHeard(tx, quiet, link.kind === 'resuming');
  take(tx, payload);
}

function noteHeard(tx: Transaction, before: Quiet, isReplayed: boolean): void {
  const quiet = hear(before, isReplayed);
  tx.set({ quiet });
  if (!quiet.deaf) return;
  const seconds = Math.round(quiet.silentMs / 1000);
  tx.log(
    'warn',
    `Its gateway connection was deaf: nothing came for ${seconds} s, and a RESUME brings what was missed.`,
  );
}

function onReady(tx: Transaction, payload: Dispatch): void {
  const { quiet: before, rules } = tx.state;
  const { ms: now, draw } = tx.now;
  // A session that began here was never at another node.
  const quiet = watchQuiet(rules.quietMs, { now, draw }, false, before);
  tx.set({ session: sessionOf(payload), quiet, deadUrl: null, trouble: null });
  tx.enterLink({ kind: 'ready', since: tx.now.ms });
  tx.effect({ kind: 'endPermit', ready: true });
  tx.effect({ kind: 'up', payload });
  take(tx, payload);
  tx.effect({ kind: 'settle', outcome: 'sessionLost' });
  tellMissed(tx, payload);
}

/** What came between the end of the session before and this one reached nobody. */
function tellMissed(tx: Transaction, ready: Dispatch): void {
  const { lostFrom } = tx.state;
  if (lostFrom === null) return;
  tx.set({ lostFrom: null });
  tx.effect({ kind: 'missed', from: lostFrom, to: tx.now.ms, ready });
}

function onResumed(tx: Transaction, payload: Dispatch): void {
  if (tx.state.link.kind === 'resuming') tx.enterLink({ kind: 'ready', since: tx.now.ms });
  tx.set({ trouble: null });
  tx.effect({ kind: 'up', payload });
  take(tx, payload);
  tx.effect({ kind: 'settle', outcome: 'resumed' });
}

/** What did not come in time. No answer is not a refusal: the session is kept. */
export function onLate(tx: Transaction): void {
  const { link } = tx.state;
  const late = LATE[link.kind];
  if (late === undefined || !('until' in link) || link.until > tx.now.ms) return;
  lose(tx, { reason: `${late} did not come in time`, cause: 'unproven', blamesUrl: true });
}

const LATE: Readonly<Record<string, string>> = {
  connecting: 'HELLO',
  identifying: 'READY',
  resuming: 'the answer to RESUME',
};
