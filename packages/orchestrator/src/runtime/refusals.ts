/** What the runtime itself refuses, and how it ends, in its own words. */
import type { Address } from '@dshard/transport';
import type { CommandError } from '../domain/state/commands.js';
import { OrchestratorError } from '../errors.js';
import type { CloseMode } from './contract.js';

/** By how it was closed. */
export const CLOSED: Readonly<Record<CloseMode, string>> = {
  leave: 'The orchestrator left; its nodes run on.',
  end: 'The orchestrator ended.',
  keepSessions: 'The orchestrator ended; the next one gives its shards out again, with what is parked of them.',
};

export const RESYNC = {
  code: 'DSO_STORE_UNAVAILABLE',
  message:
    'Not everything this node said could be taken while the store could not be written. It is asked to connect again.',
} as const;

export const BEHIND = {
  code: 'DSO_OVERLOADED',
  message:
    'The orchestrator is behind: too much that was said to it waits to be looked at. The node is asked to connect again.',
} as const;

export function overloaded(): CommandError {
  const message = 'The orchestrator is behind: too much waits to be looked at. Try again in a moment.';
  return { code: BEHIND.code, message, fault: 'fleet' };
}

export const NOT_RUNNING = {
  code: 'DSO_NOT_RUNNING',
  message: 'The orchestrator is not running: it was not started yet, or is closing.',
  fault: 'fleet',
} as const;

export function unavailable(problem: string | null): CommandError {
  const why = problem ?? 'The store cannot be written.';
  const message = `Nothing can be changed now, because nothing can be remembered; the bot runs on. ${why}`;
  return { code: 'DSO_STORE_UNAVAILABLE', message, fault: 'fleet' };
}

export function closedByDefault(listen: Address): OrchestratorError {
  return new OrchestratorError(
    'DSO_CLOSED_BY_DEFAULT',
    `Other machines can reach ${listen}, and no token is set. Set DSO_TOKEN or a token file, for the orchestrator and ` +
      `for its nodes, or listen on 127.0.0.1.`,
  );
}
