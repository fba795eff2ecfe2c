/** The whole domain: plain data in, plain data out. No clock, no randomness, no I/O. */
import { onCommand } from './on-command.js';
import type { Decision } from './state/decision.js';
import type { DomainEvent } from './state/events.js';
import { onIdentify } from './fleet/handshake.js';
import { heardOf, onGatewayInfo, onGatewayInfoFailed } from './fleet/total-shards.js';
import { launchFailed, launchOf, onNodeLaunched } from './fleet/launch.js';
import { onConnectionClosed, onProcessExited, sleptThrough } from './fleet/lost.js';
import { onMessage } from './on-message.js';
import { isRelayed, relayTransfer } from './migration/relay.js';
import { forwardUserEvent } from './migration/user-events.js';
import { reconcile } from './reconcile.js';
import type { Settings } from './state/settings.js';
import type { OrchestratorState } from './state/state.js';
import { withAssignments } from './trace/assignments.js';
import { Turn } from './state/transaction.js';

export type Decide = (state: OrchestratorState, event: DomainEvent, now: number) => Decision;
export type InitialState = (settings: Settings, now: number) => OrchestratorState;

export { initialState } from './state/initial-state.js';

export const decide: Decide = (state, event, now) => {
  if (event.kind === 'message' && (event.message.kind === 'userEvent' || event.message.kind === 'shardUserEvent')) {
    return forwardUserEvent(state, event.connection, event.message, now);
  }
  if (event.kind === 'message' && isRelayed(event.message)) {
    return relayTransfer(state, event.connection, event.message, now);
  }
  const turn = new Turn(state, now);
  handle(turn, event);
  reconcile(turn);
  return withAssignments(state, turn.decision());
};

function handle(turn: Turn, event: DomainEvent): void {
  switch (event.kind) {
    case 'started':
      onStart(turn);
      break;
    case 'tick':
      sleptThrough(turn);
      // The wish was granted; if it came early, it is made again.
      turn.patch({ wakeAt: null });
      break;
    case 'identify':
      onIdentify(turn, event);
      break;
    case 'message':
      onMessage(turn, event.connection, event.message);
      break;
    case 'connectionClosed':
      onConnectionClosed(turn, event.connection, event.reason);
      break;
    case 'command':
      turn.actingFor(event.by, () => onCommand(turn, event.request, event.command));
      break;
    case 'gatewayInfo':
      onGatewayInfo(turn, event);
      break;
    case 'gatewayInfoFailed':
      onGatewayInfoFailed(turn, event.reason);
      break;
    case 'nodeLaunched':
      onNodeLaunched(turn, event);
      break;
    case 'launchFailed':
      launchFailed(turn, event.launch, event.reason);
      break;
    case 'processExited':
      onExit(turn, event.node, event.description);
      break;
  }
}

function onStart(turn: Turn): void {
  const { epoch, totalShards } = turn.state;
  turn.happened('orchestratorStarted', 'info', `The orchestrator started; its epoch is ${epoch}.`, {
    epoch,
    totalShards,
  });
}

function onExit(turn: Turn, node: string, description: string): void {
  const launch = launchOf(turn, node);
  if (launch !== undefined) launchFailed(turn, launch.id, `node ${node} ${description}`);
  heardOf(turn, node);
  onProcessExited(turn, node, description);
}
