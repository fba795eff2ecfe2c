/** What operators ask for: each command to the module that does it. */
import { callFleet } from './calls/calls.js';
import type { OperatorCommand } from './state/commands.js';
import { allowIdentifies } from './shards/identify-budget.js';
import { startNode } from './fleet/launch.js';
import { takeOverNode } from './fleet/lost.js';
import { migrateShard } from './migration/requests.js';
import { cancelOperation, startOperation } from './operations/operations.js';
import { unquarantineShards } from './shards/quarantine.js';
import { shutdownFleet } from './operations/shutdown-fleet.js';
import { beginShutdown } from './fleet/leave.js';
import { hasConnection } from './state/nodes.js';
import type { Transaction } from './state/transaction.js';
import { knownNode } from './state/checks.js';
import { startShards } from './shards/start-request.js';
import { stopShard } from './migration/stop-shard.js';

export function onCommand(tx: Transaction, request: string, command: OperatorCommand): void {
  if (tx.state.ending !== null) {
    tx.fail(request, 'DSO_FLEET_ENDING', 'The fleet is being shut down, so nothing else is begun.');
    return;
  }
  switch (command.kind) {
    case 'startNode':
      startNode(tx, request);
      break;
    case 'shutdownNode':
      shutdownNode(tx, request, command.node);
      break;
    case 'startShards':
      startShards(tx, request, command.node, command.shards);
      break;
    case 'stopShard':
      stopShard(tx, request, command.shard);
      break;
    case 'migrateShard':
      migrateShard(tx, request, command);
      break;
    case 'startOperation':
      startOperation(tx, request, command.plan, command.answer);
      break;
    case 'cordonNode':
      cordonNode(tx, request, command.node);
      break;
    case 'uncordonNode':
      uncordonNode(tx, request, command.node);
      break;
    case 'takeOverNode':
      takeOverNode(tx, request, command.node);
      break;
    case 'unquarantine':
      unquarantineShards(tx, request, command.shards);
      break;
    case 'cancelOperation':
      cancelOperation(tx, request, command.operation);
      break;
    case 'allowIdentifies':
      allowIdentifies(tx, request, command.count);
      break;
    case 'callFleet':
      callFleet(tx, request, command);
      break;
    case 'shutdownFleet':
      shutdownFleet(tx, request);
      break;
  }
}

function shutdownNode(tx: Transaction, request: string, id: string): void {
  const known = knownNode(tx.state, id);
  if (!known.ok) tx.reply(request, known);
  else if (!hasConnection(known.value)) {
    tx.fail(request, 'DSO_NODE_NOT_CONNECTED', `Node ${id} is not connected, so it cannot be told to shut down.`);
  } else {
    beginShutdown(tx, id, request, false);
  }
}

function cordonNode(tx: Transaction, request: string, id: string): void {
  const known = knownNode(tx.state, id);
  if (!known.ok) {
    tx.reply(request, known);
  } else if (known.value.intent.kind === 'shuttingDown') {
    tx.fail(request, 'DSO_NODE_SHUTTING_DOWN', `Node ${id} is shutting down.`);
  } else {
    if (known.value.intent.kind === 'serving') {
      tx.patchNode(id, { intent: { kind: 'cordoned' } });
      tx.record('nodeCordoned', 'info', `Node ${id} takes no new shards.`, { node: id });
    }
    tx.done(request, `Node ${id} is cordoned: no shard is placed on it automatically.`, { node: id });
  }
}

function uncordonNode(tx: Transaction, request: string, id: string): void {
  const known = knownNode(tx.state, id);
  if (!known.ok) {
    tx.reply(request, known);
  } else if (known.value.intent.kind === 'shuttingDown') {
    tx.fail(request, 'DSO_NODE_SHUTTING_DOWN', `Node ${id} is shutting down.`);
  } else {
    if (known.value.intent.kind === 'cordoned') {
      tx.patchNode(id, { intent: { kind: 'serving' } });
      tx.record('nodeUncordoned', 'info', `Node ${id} takes shards again.`, { node: id });
    }
    tx.done(request, `Node ${id} takes shards again.`, { node: id });
  }
}
