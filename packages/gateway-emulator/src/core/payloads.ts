/**
 * What the gateway sends, as text ("Gateway Events: Payload Structure": `s` and `t` are null but in dispatches). A dispatch takes its `d`
 * as JSON already written: it is written once for all sessions.
 */
import { opcodes } from './discord.js';
import type { Effect } from './effects.js';
import type { Connection } from './state.js';

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

/** Large ones of a client that asked for payload compression are compressed; from what size on Discord does is not known. */
const compressedFromChars = 1_024;

export function sendText(connection: Connection, text: string, out: Effect[]): void {
  const { phase } = connection;
  const holder = phase.kind === 'attached' || phase.kind === 'echo' ? phase.session : null;
  if (holder?.compress === true && !connection.compressed && text.length >= compressedFromChars)
    out.push({ kind: 'send', connection: connection.id, text, deflate: true });
  else out.push({ kind: 'send', connection: connection.id, text });
}
