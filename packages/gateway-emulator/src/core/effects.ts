/** What the core asks its surroundings to do, in order: payloads of the gateway, and notes for the ledger. */
import type { Ms } from '@dshard/transport';
import { opcodes } from './discord.js';
import type { LedgerRecord, ViolationKind } from './records.js';
import type { Connection } from './state.js';

/** What the core asks its surroundings to do, in order. */
export type Effect =
  /** One gateway payload, as JSON text. `deflate`: as a zlib stream of its own, in a binary message. */
  | { kind: 'send'; connection: number; text: string; deflate?: true }
  /** A close frame. The core has forgotten the connection's session already. */
  | { kind: 'close'; connection: number; code: number; reason: string }
  /** The socket ends without a close frame; `reset`: by a TCP reset, else by the end of the stream. */
  | { kind: 'cut'; connection: number; reset: boolean }
  | { kind: 'record'; record: LedgerRecord };

/**
 * What the gateway sends, as text ("Gateway Events: Payload Structure": `s` and `t` are null but in dispatches). A
 * dispatch takes its `d` as JSON already written: it is written once for all sessions.
 */
export const heartbeatAckText: string = JSON.stringify({ t: null, s: null, op: opcodes.heartbeatAck, d: null });
export const heartbeatRequestText: string = JSON.stringify({ t: null, s: null, op: opcodes.heartbeat, d: null });
export const reconnectText: string = JSON.stringify({ t: null, s: null, op: opcodes.reconnect, d: null });

export function helloText(heartbeatIntervalMs: number): string {
  return JSON.stringify({
    t: null,
    s: null,
    op: opcodes.hello,
    d: { heartbeat_interval: heartbeatIntervalMs, _trace: [] },
  });
}

export function invalidSessionText(resumable: boolean): string {
  return JSON.stringify({ t: null, s: null, op: opcodes.invalidSession, d: resumable });
}

export function dispatchText(type: string, s: number, json: string): string {
  return `{"t":"${type}","s":${s},"op":${opcodes.dispatch},"d":${json}}`;
}

/** Large ones are compressed where the client asked for it; from what size on Discord does is not known. */
const compressedFromChars = 1_024;

export function sendText(connection: Connection, text: string, out: Effect[]): void {
  const { phase } = connection;
  const holder = phase.kind === 'attached' || phase.kind === 'echo' ? phase.session : null;
  if (holder?.compress === true && !connection.compressed && text.length >= compressedFromChars)
    out.push({ kind: 'send', connection: connection.id, text, deflate: true });
  else out.push({ kind: 'send', connection: connection.id, text });
}

// Notes for the ledger that the client broke a rule.

/** `shard` is needed only where the connection has no session yet. */
export function recordViolation(
  connection: Connection,
  kind: ViolationKind,
  message: string,
  now: Ms,
  out: Effect[],
  shard: number | null = null,
): void {
  const session = connection.phase.kind === 'attached' ? connection.phase.session : null;
  const violation = {
    kind,
    at: now,
    connection: connection.id,
    shard: shard ?? session?.shard ?? null,
    sessionId: session?.id ?? null,
    message,
  };
  out.push({ kind: 'record', record: { kind: 'violation', violation } });
}
