/** The whole domain: plain data in, plain data out. No clock, no randomness, no I/O. */
import { onCommand } from './on-command.js';
import type { Decision } from './state/effects.js';
import type { DomainEvent } from './state/events.js';
import { onIdentify } from './fleet/handshake.js';
import { noteHeard, onGatewayInfo, onGatewayInfoFailed } from './fleet/total-shards.js';
import { onLaunchFailed, onNodeLaunched } from './fleet/launch.js';
import { onConnectionClosed, onProcessExited, sleptThrough } from './fleet/lost.js';
import { forgetProcess, onProcessAdopted } from './fleet/processes.js';
import { onMessage } from './on-message.js';
import { forwardUserEvent, isRelayed, relayFromPark, relayTransfer } from './migration/relay.js';
import { onParkSaid } from './migration/live-messages.js';
import { reconcile } from './reconcile.js';
import { launchOf } from './state/processes.js';
import type { Settings } from './state/settings.js';
import type { OrchestratorState } from './state/state.js';
import { withAssignments } from './trace/assignments.js';
import { Transaction } from './state/transaction.js';

export type Decide = (state: OrchestratorState, event: DomainEvent, now: number) => Decision;
export type InitialState = (settings: Settings, now: number) => OrchestratorState;

export { initialState } from './state/initial-state.js';

export const decide: Decide = (state, event, now) => {
  if (event.kind === 'message' && event.message.kind === 'userEvent') {
    return forwardUserEvent(state, event.connection, event.message, now);
  }
  if (event.kind === 'message' && isRelayed(event.message)) {
    return relayTransfer(state, event.connection, event.message, now);
  }
  if (event.kind === 'parkSaid' && isRelayed(event.message)) return relayFromPark(state, event.message, now);
  const tx = new Transaction(state, now);
  handle(tx, event);
  reconcile(tx);
  return withAssignments(state, tx.decision());
};

function handle(tx: Transaction, event: DomainEvent): void {
  switch (event.kind) {
    case 'together':
      return event.events.forEach((each) => handle(tx, each));
    case 'started':
      return onStart(tx);
    case 'tick':
      sleptThrough(tx);
      // The wish was granted; if it came early, it is made again.
      return tx.patch({ wakeAt: null });
    case 'identify':
      return onIdentify(tx, event);
    case 'message':
      return onMessage(tx, event.connection, event.message, event.wallClockAheadMs);
    case 'parkSaid':
      return onParkSaid(tx, event.message);
    case 'connectionClosed':
      return onConnectionClosed(tx, event.connection, event.reason);
    case 'command':
      tx.patch({ availableBytes: event.availableBytes ?? null });
      tx.actingFor(event.by, () => onCommand(tx, event), event.requestId);
      return tx.patch({ availableBytes: null });
    case 'gatewayInfo':
      return onGatewayInfo(tx, event);
    case 'gatewayInfoFailed':
      return onGatewayInfoFailed(tx, event);
    case 'nodeLaunched':
      return onNodeLaunched(tx, event);
    case 'processAdopted':
      return onProcessAdopted(tx, event);
    case 'alarmsNoted':
      return tx.patch({ raisedAlarms: new Map(event.alarms.map((alarm) => [alarm.key, alarm])) });
    case 'versionDeployed':
      return tx.patch({ deployedVersion: event.version });
    case 'launchFailed':
      return onLaunchFailed(tx, event.launch, event.reason);
    case 'processExited':
      return onExit(tx, event.node, event.description);
  }
}

function onStart(tx: Transaction): void {
  const { epoch, totalShards } = tx.state;
  tx.record('orchestratorStarted', 'info', `The orchestrator started; its epoch is ${epoch}.`, {
    epoch,
    totalShards,
  });
}

function onExit(tx: Transaction, node: string, description: string): void {
  const launch = launchOf(tx.state, node);
  // A failed launch counts once.
  if (launch !== undefined) onLaunchFailed(tx, launch.id, `node ${node} ${description}`);
  forgetProcess(tx, node, launch === undefined ? description : null);
  noteHeard(tx, node);
  onProcessExited(tx, node, description);
}
