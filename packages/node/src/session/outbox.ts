/**
 * What is said to the orchestrator while no connection is established.
 *
 * Policy: answers wait in order, bounded by count and bytes (the oldest goes first, and the loss is logged), and go out
 * right after Identified. Toward a peer of ours the answers that say no more than the Identify that followed them
 * (which shards run here) are dropped then; an answer that carries a session is kept, it may save an IDENTIFY. Toward a
 * base-level peer everything goes out. Messages of a migration never wait: a migration dies with the connection it was
 * asked for on.
 */
import { MESSAGE_TRAITS, type Message } from '@dshard/protocol';
import type { Transaction } from './transaction.js';
import type { QueuedMessage } from './state.js';

function saysNoMoreThanIdentify(message: Message): boolean {
  return message.kind === 'startShards' || (message.kind === 'stopShard' && message.session === null);
}

/** The whole Identify that speaks for us now, as a number that grows with each connection. 0: none is out. */
function identifyOf({ link }: Transaction): number {
  if (link.kind !== 'identifying') return 0;
  return link.trust.kind === 'notAsked' || link.trust.kind === 'proven' ? link.connection : 0;
}

/** Sends now, or when a connection is established. */
export function say(tx: Transaction, message: Message): void {
  if (tx.established !== null) {
    sendFitting(tx, message);
    return;
  }
  const queued: QueuedMessage[] = [...tx.outbox, { message, bytes: sizeOf(message), identify: identifyOf(tx) }];
  let bytes = queued.reduce((sum, each) => sum + each.bytes, 0);
  while (queued.length > tx.limits.outboxMessages || bytes > tx.limits.outboxBytes) {
    const dropped = queued.shift();
    if (dropped === undefined) {
      break;
    }
    bytes -= dropped.bytes;
    tx.log('warn', `Too much waits for the orchestrator; the oldest message (${dropped.message.kind}) was dropped.`);
  }
  tx.set({ outbox: queued });
}

/** Called when the link has just become established. */
export function flushOutbox(tx: Transaction): void {
  const link = tx.established;
  if (link === null) {
    return;
  }
  const extended = link.capabilities.length > 0;
  for (const { message, identify } of tx.outbox) {
    const superseded = extended && identify < link.connection && saysNoMoreThanIdentify(message);
    if (!superseded) {
      sendFitting(tx, message);
    }
  }
  tx.set({ outbox: [] });
}

/** Sends what the peer understands: a message without its extended fields, or not at all. */
function sendFitting(tx: Transaction, message: Message): void {
  const fitting = fit(tx, message);
  if (fitting !== null) {
    tx.sendNow(fitting);
  }
}

function fit(tx: Transaction, message: Message): Message | null {
  const { capability } = MESSAGE_TRAITS[message.kind];
  if (capability !== null && !tx.negotiated(capability)) {
    return null;
  }
  if (tx.negotiated('sessions')) {
    return message;
  }
  if (message.kind === 'stopShard') {
    return { ...message, session: null };
  }
  return message.kind === 'shutdown' ? { ...message, final: false, sessions: [] } : message;
}

/** A rough size: what counts is that the bound holds, not the last byte. */
function sizeOf(message: Message): number {
  if (message.kind === 'startShards') {
    return 64 + message.shardIds.length * 9;
  }
  if (message.kind === 'commandFailed') {
    return 64 + message.message.length;
  }
  return message.kind === 'stopShard' ? 320 : 64;
}
