/** How the end of a command becomes an answer over HTTP. */
import type { Answer } from '@dshard/api';
import type { CommandError, CommandResult } from '../domain/state/commands.js';

export type Reply<Body> = { readonly status: number; readonly body: Body };

export function failed(status: number, message: string): Reply<Answer> {
  return { status, body: { Message: message, Error: true } };
}

/** The caller's faults are 4xx (409: try again when the other operation is over), the fleet's 500. */
export function replyTo(result: CommandResult): Reply<Answer> {
  if (!result.ok) return failed(statusOf(result.error), result.error.message);
  return { status: 200, body: { Message: result.message, Error: false } };
}

const STATUS_OF_FAULT: Readonly<Record<CommandError['fault'], number>> = { caller: 400, conflict: 409, fleet: 500 };

function statusOf({ code, fault }: CommandError): number {
  return fault === 'caller' && code.startsWith('DSO_UNKNOWN_') ? 404 : STATUS_OF_FAULT[fault];
}
