/** How the end of a command, and every refusal, becomes an answer over HTTP. */
import { documentationOf, type Answer, type Refusal } from '@dshard/api';
import type { CommandError, CommandResult } from '../domain/state/commands.js';
import { REST_ERRORS, type RestErrorCode } from './errors.js';

export type Reply<Body> = {
  readonly status: number;
  readonly body: Body;
  readonly headers?: Readonly<Record<string, string>>;
};

type Details = Refusal['details'];

export function failed(code: RestErrorCode, message: string, details: Details = {}): Reply<Refusal> {
  return refusal(REST_ERRORS[code].status, code, message, details);
}

/** With a status that the code alone does not say. */
export function refusal(status: number, code: string, message: string, details: Details = {}): Reply<Refusal> {
  const documentation = documentationOf(code);
  return { status, body: { Message: message, Error: true, code, message, details, documentation } };
}

/** The caller's faults are 4xx (409: try again when the other operation is over), the fleet's 500. */
export function replyTo(result: CommandResult): Reply<Answer> {
  if (!result.ok) return refusal(statusOf(result.error), result.error.code, result.error.message);
  return { status: 200, body: { Message: result.message, Error: false } };
}

const PRECONDITION_FAILED = 412;
const STATUS_OF_FAULT: Readonly<Record<CommandError['fault'], number>> = { caller: 400, conflict: 409, fleet: 500 };

function statusOf({ code, fault }: CommandError): number {
  if (code === 'DSO_CHANGED_MEANWHILE') return PRECONDITION_FAILED;
  return fault === 'caller' && code.startsWith('DSO_UNKNOWN_') ? 404 : STATUS_OF_FAULT[fault];
}
