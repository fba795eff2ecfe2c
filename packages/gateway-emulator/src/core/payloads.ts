/** What the gateway sends, as text. A dispatch takes its `d` as JSON already written: it is written once for all sessions. */
import { opcodes } from './discord.js';

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
