/** What operators ask for: each command to the module that does it. */
import { callFleet } from './calls/calls.js';
import type { OperatorCommand } from './state/commands.js';
import { allowIdentifies } from './shards/identify-budget.js';
import { startNode } from './fleet/launch.js';
import { takeOverNode } from './fleet/lost.js';
import { migrateShard } from './migration/requests.js';
import { cancelOperation, startOperation } from './operations/operations.js';
import { releaseShard } from './shards/quarantine.js';
import { shutdownFleet } from './operations/shutdown-fleet.js';
import { beginShutdown } from './fleet/leave.js';
import { hasConnection } from './state/nodes.js';
import type { Turn } from './state/transaction.js';
import { knownNode } from './state/checks.js';
import { startShards } from './shards/start-request.js';
import { stopShard } from './migration/stop-shard.js';

export function onCommand(turn: Turn, request: string, command: OperatorCommand): void {
  if (turn.state.ending !== null) {
    turn.fail(request, 'DSO_FLEET_ENDING', 'The fleet is being shut down, so nothing else is begun.');
    return;
  }
  switch (command.kind) {
    case 'startNode':
      startNode(turn, request);
      break;
    case 'shutdownNode':
      shutdownNode(turn, request, command.node);
      break;
    case 'startShards':
      startShards(turn, request, command.node, command.shards);
      break;
    case 'stopShard':
      stopShard(turn, request, command.shard);
      break;
    case 'migrateShard':
      migrateShard(turn, request, command);
      break;
    case 'startOperation':
      startOperation(turn, request, command.plan, command.answer);
      break;
    case 'cordonNode':
      cordonNode(turn, request, command.node);
      break;
    case 'uncordonNode':
      uncordonNode(turn, request, command.node);
      break;
    case 'takeOverNode':
      takeOverNode(turn, request, command.node);
      break;
    case 'releaseShard':
      releaseShard(turn, request, command.shard);
      break;
    case 'cancelOperation':
      cancelOperation(turn, request, command.operation);
      break;
    case 'allowIdentifies':
      allowIdentifies(turn, request, command.count);
      break;
    case 'callFleet':
      callFleet(turn, request, command);
      break;
    case 'shutdownFleet':
      shutdownFleet(turn, request);
      break;
  }
}

function shutdownNode(turn: Turn, request: string, id: string): void {
  const known = knownNode(turn.state, id);
  if (!known.ok) turn.reply(request, known);
  else if (!hasConnection(known.value)) {
    turn.fail(request, 'DSO_NODE_NOT_CONNECTED', `Node ${id} is not connected, so it cannot be told to shut down.`);
  } else {
    beginShutdown(turn, id, request, false);
  }
}

function cordonNode(turn: Turn, request: string, id: string): void {
  const known = knownNode(turn.state, id);
  if (!known.ok) {
    turn.reply(request, known);
  } else if (known.value.intent.kind === 'shuttingDown') {
    turn.fail(request, 'DSO_NODE_SHUTTING_DOWN', `Node ${id} is shutting down.`);
  } else {
    if (known.value.intent.kind === 'serving') {
      turn.patchNode(id, { intent: { kind: 'cordoned' } });
      turn.happened('nodeCordoned', 'info', `Node ${id} takes no new shards.`, { node: id });
    }
    turn.done(request, `Node ${id} is cordoned: no shard is placed on it automatically.`, { node: id });
  }
}

function uncordonNode(turn: Turn, request: string, id: string): void {
  const known = knownNode(turn.state, id);
  if (!known.ok) {
    turn.reply(request, known);
  } else if (known.value.intent.kind === 'shuttingDown') {
    turn.fail(request, 'DSO_NODE_SHUTTING_DOWN', `Node ${id} is shutting down.`);
  } else {
    if (known.value.intent.kind === 'cordoned') {
      turn.patchNode(id, { intent: { kind: 'serving' } });
      turn.happened('nodeUncordoned', 'info', `Node ${id} takes shards again.`, { node: id });
    }
    turn.done(request, `Node ${id} takes shards again.`, { node: id });
  }
}
