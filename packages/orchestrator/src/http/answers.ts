/** The one body every endpoint of the ancestor answers with, and every error of this server: `{"Message":"…","Error":false}`. */
import type { CommandError, CommandResult } from '../domain/state/commands.js';

export type Answer = { Message: string; Error: boolean };

export type Reply = { status: number; body: Answer };

function succeeded(message: string): Reply {
  return { status: 200, body: { Message: message, Error: false } };
}

export function failed(status: number, message: string): Reply {
  return { status, body: { Message: message, Error: true } };
}

/** The caller's faults are 4xx (409: try again when the other operation is over), the fleet's 500, as the ancestor's. */
export function replyTo(result: CommandResult): Reply {
  return result.ok ? succeeded(result.message) : failed(statusOf(result.error), result.error.message);
}

const STATUS_OF_FAULT: Readonly<Record<CommandError['fault'], number>> = { caller: 400, conflict: 409, fleet: 500 };

function statusOf({ code, fault }: CommandError): number {
  return fault === 'caller' && code.startsWith('DSO_UNKNOWN_') ? 404 : STATUS_OF_FAULT[fault];
}
