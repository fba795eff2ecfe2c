/** What a shard's connection is doing, as operators see it. */
import type { WebSocketShardStatus as Status } from '@discordjs/ws';
import type { ShardPhase } from '@dshard/protocol';
import { WebSocketShardStatus } from './library.js';

/** What the current connection is at, beyond what the library's status says. `ending`: the library is closing it. */
export type Step = 'ending' | 'connecting' | 'awaitingPermit' | 'identifying' | 'up';

const STEP_PHASES: Readonly<Record<Exclude<Step, 'up'>, ShardPhase>> = {
  ending: 'disconnected',
  connecting: 'connecting',
  awaitingPermit: 'waiting',
  identifying: 'identifying',
};

/** @param isNew it never was connected. */
export function phaseOf(
  state: 'open' | 'parked' | 'frozen' | 'refused' | 'stopped',
  status: Status,
  step: Step,
  isNew: boolean,
): ShardPhase {
  if (state !== 'open') {
    return state === 'refused' ? 'disconnected' : 'frozen';
  }
  if (status === WebSocketShardStatus.Connecting && step !== 'up') {
    return STEP_PHASES[step];
  }
  if (status === WebSocketShardStatus.Idle) {
    return isNew ? 'connecting' : 'disconnected';
  }
  return status === WebSocketShardStatus.Resuming ? 'resuming' : 'ready';
}
