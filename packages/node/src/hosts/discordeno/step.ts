/** What the connection of a shard is at, and how it is shown; and what its end says of whose the session is. */
import type { ShardPhase } from '@dshard/protocol';
import type { LossCause } from '../../shard-host.js';
import { DISPLACED_CODE } from '../gateway/close-codes.js';

export type Step = 'connecting' | 'awaitingPermit' | 'identifying' | 'resuming' | 'up' | 'down';

export const PHASES: Readonly<Record<Step, ShardPhase>> = {
  connecting: 'connecting',
  awaitingPermit: 'waiting',
  identifying: 'identifying',
  resuming: 'resuming',
  up: 'ready',
  down: 'disconnected',
};

/** Discord's own close codes come on the connection that has the session. */
export function causeOf(code: number): LossCause {
  if (code === DISPLACED_CODE) return 'displaced';
  return code >= 4_000 ? 'attached' : 'unproven';
}
