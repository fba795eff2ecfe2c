/** What operators ask for: each command to the module that does it. */
import { recordRequest } from './access/audit.js';
import { editVersion } from './access/edit-version.js';
import { createToken, revokeToken } from './access/tokens.js';
import { callFleet } from './calls/calls.js';
import type { DomainEvent } from './state/events.js';
import { allowIdentifies } from './shards/identify-budget.js';
import { cordonHost, cordonNode, uncordonHost, uncordonNode } from './fleet/cordon.js';
import { startNode } from './fleet/launch.js';
import { takeOverNode } from './fleet/declared-dead.js';
import { parkShard } from './migration/park.js';
import { migrateShard } from './migration/requests.js';
import { planOperation } from './operations/dry-run.js';
import { cancelOperation, startOperation } from './operations/operations.js';
import { steerRollout } from './operations/rollout-steering.js';
import { unquarantineShards } from './shards/quarantine.js';
import { shutdownFleet } from './operations/shutdown-fleet.js';
import { beginShutdown } from './fleet/leave.js';
import { hasConnection, isShuttingDown } from './state/nodes.js';
import type { Settings } from './state/settings.js';
import type { Transaction } from './state/transaction.js';
import { knownNode } from './state/checks.js';
import { startShards } from './shards/start-request.js';
import { stopShard } from './migration/stop-shard.js';

/** A node that still has shards then is left as it is. */
const SHUTDOWN_DEADLINE_MS = 600_000;

type Command = Pick<Extract<DomainEvent, { kind: 'command' }>, 'request' | 'command' | 'expected'>;

export function onCommand(tx: Transaction, { request, command, expected }: Command): void {
  if (expected !== undefined && editVersion(tx.state, expected.of) !== expected.version) {
    const text = 'What was to be changed is not any more what If-Match says. Read it again, and decide anew.';
    return tx.fail(request, 'DSO_CHANGED_MEANWHILE', text);
  }
  if (tx.state.ending !== null) {
    return tx.fail(request, 'DSO_FLEET_ENDING', 'The fleet is being shut down, so nothing else is begun.');
  }
  switch (command.kind) {
    case 'startNode':
      return startNode(tx, request);
    case 'shutdownNode':
      return shutdownNode(tx, request, command);
    case 'startShards':
      return startShards(tx, request, command.node, command.shards);
    case 'stopShard':
      return stopShard(tx, request, command.shard);
    case 'migrateShard':
      return migrateShard(tx, request, command);
    case 'parkShard':
      return parkShard(tx, request, command.shard);
    case 'startOperation':
      return startOperation(tx, request, command);
    case 'planOperation':
      return planOperation(tx, request, command.plan);
    case 'cordonNode':
      return cordonNode(tx, request, command.node);
    case 'uncordonNode':
      return uncordonNode(tx, request, command.node);
    case 'cordonHost':
      return cordonHost(tx, request, command.host);
    case 'uncordonHost':
      return uncordonHost(tx, request, command.host);
    case 'takeOverNode':
      return takeOverNode(tx, request, command.node);
    case 'unquarantine':
      return unquarantineShards(tx, request, command.shards);
    case 'cancelOperation':
      return cancelOperation(tx, request, command.operation);
    case 'steerRollout':
      return steerRollout(tx, request, command.action);
    case 'allowIdentifies':
      return allowIdentifies(tx, request, command.count);
    case 'callFleet':
      return callFleet(tx, request, command);
    case 'createToken':
      return createToken(tx, request, command.token);
    case 'revokeToken':
      return revokeToken(tx, request, command.token);
    case 'changeSettings':
      return changeSettings(tx, request, command);
    case 'recordRequest':
      return recordRequest(tx, request, command.entry);
    case 'shutdownFleet':
      return shutdownFleet(tx, request, command.keepSessions === true);
  }
}

/** How many nodes are kept up is as it is configured again, whatever `scale` said before. */
function changeSettings(
  tx: Transaction,
  request: string,
  { settings, keys }: { settings: Partial<Settings>; keys: readonly string[] },
): void {
  tx.changeSettings(settings);
  const text = `The configuration was read again, and holds from now on: ${keys.join(', ')}.`;
  tx.record('settingsChanged', 'info', text, { keys });
  tx.done(request, text);
}

/** Its shards move to the other nodes first, unless it is to shut down at once. */
function shutdownNode(tx: Transaction, request: string, { node: id, now }: { node: string; now: boolean }): void {
  const known = knownNode(tx.state, id);
  if (!known.ok) tx.reply(request, known);
  else if (!hasConnection(known.value)) {
    tx.fail(request, 'DSO_NODE_NOT_CONNECTED', `Node ${id} is not connected, so it cannot be told to shut down.`);
  } else if (now || isShuttingDown(known.value) || tx.loadOf(id) === 0) {
    beginShutdown(tx, id, request, false);
  } else {
    const plan = { origins: [id], destination: null, shutdown: true, deadline: SHUTDOWN_DEADLINE_MS };
    startOperation(tx, request, { plan: { kind: 'drain', ...plan }, answer: 'ended' });
  }
}
