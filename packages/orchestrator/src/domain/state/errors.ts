/**
 * Every reason the domain can give for refusing a peer or a command, in one table: what happened, what to do about it,
 * whether the same attempt may succeed later by itself, and who is at fault. `fault` decides the HTTP status of a
 * command: 'caller' and 'conflict' are 4xx, 'fleet' is 5xx; 'peer' is for what is said to a node, never to an operator.
 */
import type { CommandError } from './commands.js';

type DomainErrorEntry = {
  /** What happened, in one sentence. */
  meaning: string;
  remedy: string;
  /** Whether the same attempt may succeed later without anybody changing anything. */
  retryable?: true;
  fault: CommandError['fault'] | 'peer';
};

export const DOMAIN_ERRORS = {
  DSO_LOGIC_VERSION: {
    meaning: 'The node speaks another version of the control protocol.',
    remedy: 'Run node library and orchestrator of matching versions.',
    fault: 'peer',
  },
  DSO_TOKEN_REFUSED: {
    meaning: 'The node did not prove that it knows the token of this orchestrator.',
    remedy: 'Give the node the same token: DSO_TOKEN, or DSO_TOKEN_FILE with the file that holds it.',
    fault: 'peer',
  },
  DSO_TOKEN_UNKNOWN: {
    meaning: 'The node has a token, and the orchestrator has none.',
    remedy: 'Give both the same DSO_TOKEN, or none to both.',
    fault: 'peer',
  },
  DSO_BASE_LEVEL_REFUSED: {
    meaning: 'A node that can prove no token (a base-level peer) came, and the orchestrator has one.',
    remedy: 'Set allowBaseLevelPeers if whoever reaches the port is trusted, or use @dshard/node.',
    fault: 'peer',
  },
  DSO_NODE_ID_INVALID: {
    meaning: 'A node id must be 1 to 128 printable characters without slashes or backslashes.',
    remedy: 'Choose another node id, or send an empty one and be given one.',
    fault: 'peer',
  },
  DSO_IDENTIFY_INVALID: {
    meaning: 'The node said something of itself that cannot be.',
    remedy: 'This is a bug in the node library; the message says which value is meant.',
    fault: 'peer',
  },
  DSO_TOTAL_SHARDS_MISMATCH: {
    meaning: 'The node runs with another total shard count than this fleet.',
    remedy: 'Restart the node; it then takes the total of the fleet.',
    fault: 'peer',
  },
  DSO_ORCHESTRATOR_STALE: {
    meaning: 'The node has obeyed an orchestrator of an epoch more than a year ahead of the clock here.',
    remedy: 'Set the clocks right, and restart the node.',
    retryable: true,
    fault: 'peer',
  },
  DSO_NODE_ID_TAKEN: {
    meaning: 'Another process is connected with this node id, and lives.',
    remedy: 'Give each process a node id of its own (DSO_NODE_ID), or none; or end the other process.',
    retryable: true,
    fault: 'peer',
  },
  DSO_BOUNDS_IMPOSSIBLE: {
    meaning: 'What the node waits for takes longer than the orchestrator lets it, so that no shard could ever move.',
    remedy: 'Change the one of the two settings that the message names.',
    fault: 'peer',
  },
  DSO_NODE_REPLACED: {
    meaning: 'Another connection with the same node id took the place of this one.',
    remedy: 'Nothing after a reconnect; if two processes share an id, give them different ones.',
    retryable: true,
    fault: 'peer',
  },
  DSO_NODE_SILENT: {
    meaning: 'The node sent nothing for three heartbeat intervals.',
    remedy: 'The node connects again by itself; if it does not, look at the process.',
    retryable: true,
    fault: 'peer',
  },
  DSO_NODE_ENDED: {
    meaning: 'The node was shut down.',
    remedy: 'Nothing.',
    fault: 'peer',
  },
  DSO_NODE_DECLARED_DEAD: {
    meaning: 'Somebody said that the node is dead (`dso takeover`), and it is connected.',
    remedy: 'Nothing: a node that lives connects again, lets go of what others have by then, and gets shards again.',
    retryable: true,
    fault: 'peer',
  },
  DSO_UNKNOWN_HOST: {
    meaning: 'No node has said that it runs on a host of this name.',
    remedy: 'See the hosts in `dso status --json` (`.nodes[].host`); a node names its own by DSO_HOST.',
    fault: 'caller',
  },
  DSO_HOST_CORDONED: {
    meaning: 'The node is cordoned with its host, and not by itself.',
    remedy: 'Uncordon the host: `dso uncordon --host <host>`.',
    fault: 'conflict',
  },
  DSO_UNKNOWN_NODE: {
    meaning: 'No node has this id.',
    remedy: 'See the ids in `dso status`.',
    fault: 'caller',
  },
  DSO_UNKNOWN_SHARD: {
    meaning: 'The shard id is not below the total shard count.',
    remedy: 'See the total in `dso status`.',
    fault: 'caller',
  },
  DSO_SHARD_NOT_OURS: {
    meaning: 'Another orchestrator is responsible for this shard.',
    remedy: 'Ask that orchestrator, or change responsibleForShards.',
    fault: 'caller',
  },
  DSO_SAME_NODE: {
    meaning: 'Origin and destination are the same node.',
    remedy: 'Name another destination.',
    fault: 'caller',
  },
  DSO_NO_SHARDS_GIVEN: {
    meaning: 'No shard was named.',
    remedy: 'Name at least one shard.',
    fault: 'caller',
  },
  DSO_NO_LAUNCHER: {
    meaning: 'This orchestrator cannot start node processes.',
    remedy: 'Configure a node command, or start nodes by hand.',
    fault: 'caller',
  },
  DSO_SHARD_NOT_RUNNING: {
    meaning: 'No node runs this shard.',
    remedy: 'Wait until it is started, or start it with startshards.',
    retryable: true,
    fault: 'caller',
  },
  DSO_SHARD_RUNS_ELSEWHERE: {
    meaning: 'Another node runs this shard.',
    remedy: 'Migrate it instead of starting it.',
    fault: 'conflict',
  },
  DSO_NOT_PARKED: {
    meaning: 'The orchestrator cannot keep the state of the shard.',
    remedy: 'The message says why. Its session is kept in any case when its node is shut down.',
    fault: 'conflict',
  },
  DSO_SHARD_BUSY: {
    meaning: 'Another operation on this shard is under way.',
    remedy: 'Ask again when it is done.',
    retryable: true,
    fault: 'conflict',
  },
  DSO_NODE_BUSY: {
    meaning: 'Another operation on this node is under way.',
    remedy: 'Ask again when it is done.',
    retryable: true,
    fault: 'conflict',
  },
  DSO_NODE_NOT_CONNECTED: {
    meaning: 'The node is known, but not connected.',
    remedy: 'Wait until it is back, or choose another node.',
    retryable: true,
    fault: 'conflict',
  },
  DSO_NODE_SHUTTING_DOWN: {
    meaning: 'The node is shutting down.',
    remedy: 'Choose another node.',
    fault: 'conflict',
  },
  DSO_TOTAL_UNDECIDED: {
    meaning: 'The total shard count is not decided yet.',
    remedy: 'Wait for the first node or for the answer from Discord, or configure a fixed total.',
    retryable: true,
    fault: 'conflict',
  },
  DSO_ROLLOUT_RUNNING: {
    meaning: 'A rollout is under way.',
    remedy: 'Wait until it is done.',
    retryable: true,
    fault: 'conflict',
  },
  DSO_NO_ROLLOUT: {
    meaning: 'No rollout is under way.',
    remedy: 'Start one with `dso rollout`; `dso rollout history` shows how the last ones ended.',
    fault: 'conflict',
  },
  DSO_ROLLOUT_PHASE: {
    meaning: 'The rollout is not at a point where that can be done.',
    remedy: 'See how far it is: `dso rollout status`.',
    fault: 'conflict',
  },
  DSO_VERSION_QUARANTINED: {
    meaning: 'A rollout to this version was reverted.',
    remedy: 'Deploy a repaired version, or insist: `dso rollout --force`.',
    fault: 'conflict',
  },
  DSO_ROLLOUTS_FROZEN: {
    meaning: 'Two rollouts were reverted one soon after the other, so none is begun.',
    remedy: 'Find out why they were (`dso rollout history`), then `dso rollout --force`.',
    fault: 'conflict',
  },
  DSO_VERSION_NOT_LAUNCHABLE: {
    meaning: 'The launcher cannot start the version that is asked for.',
    remedy: 'Put {version} into launcher.command and name your versions; or deploy that version, and `dso rollout`.',
    fault: 'conflict',
  },
  DSO_NOT_ENOUGH_MEMORY: {
    meaning: 'A rollout keeps the old processes beside the new ones, and the host has too little memory for that.',
    remedy: 'Replace fewer at a time (`dso rollout --surge 1`), make room, or insist: `dso rollout --force`.',
    fault: 'conflict',
  },
  DSO_NO_FREE_NODE: {
    meaning: 'There is no node to move shards to, and no launcher to start one.',
    remedy: 'Start a node, or configure a node command.',
    fault: 'conflict',
  },
  DSO_NODES_MAY_NOT_ROLLOUT: {
    meaning: 'A bot asked for a rollout (`client.shard.respawnAll()`), and bots may not begin one here.',
    remedy: 'Set nodesMayRollout to true, or run `dso rollout`.',
    fault: 'peer',
  },
  DSO_FLEET_ENDING: {
    meaning: 'The fleet is being shut down.',
    remedy: 'Start the orchestrator again afterwards.',
    fault: 'conflict',
  },
  DSO_NODE_LAUNCH_FAILED: {
    meaning: 'A node process was started and did not become a connected node.',
    remedy: "Look at the process's output in the log; the message carries what is known.",
    retryable: true,
    fault: 'fleet',
  },
  DSO_NODE_LOST: {
    meaning: 'The node went away in the middle of the operation.',
    remedy: 'Its shards are started elsewhere; ask again if that was not all you wanted.',
    retryable: true,
    fault: 'fleet',
  },
  DSO_NODE_TIMEOUT: {
    meaning: 'The node did not answer in time.',
    remedy: 'Look at the node; a busy or stuck process does not answer.',
    retryable: true,
    fault: 'fleet',
  },
  DSO_NODE_FAILED: {
    meaning: 'The node could not do what it was told.',
    remedy: "The message carries the node's reason.",
    retryable: true,
    fault: 'fleet',
  },
  DSO_MIGRATION_FAILED: {
    meaning: 'The shard was not moved.',
    remedy: 'The message says why and where the shard is now; ask again when the cause is gone.',
    retryable: true,
    fault: 'fleet',
  },
  DSO_OPERATION_FAILED: {
    meaning: 'An operation did not come to its end; everything else runs on.',
    remedy: 'The message says why and how far it came. Start it again when the cause is gone.',
    retryable: true,
    fault: 'fleet',
  },
  DSO_CALL_REFUSED: {
    meaning: 'A fleet call was not made.',
    remedy: 'The message says why; where too many are under way, wait for some to end.',
    retryable: true,
    fault: 'conflict',
  },
  DSO_BUDGET_USED_UP: {
    meaning: 'As many shards are moving or down as may be at once, so no other one is moved.',
    remedy: 'Ask again when the shards that are down run again, or raise maxUnavailable.',
    retryable: true,
    fault: 'conflict',
  },
  DSO_NODE_CONNECTED: {
    meaning: 'The node is connected, so it is not dead.',
    remedy: 'Shut it down with shutdownnode, or drain it.',
    fault: 'conflict',
  },
  DSO_SHARD_QUARANTINED: {
    meaning: 'Node after node died when this shard was started, so it is not started any more.',
    remedy: 'Look at why they died, then lift the quarantine: `dso unquarantine`; a new version does by itself.',
    fault: 'conflict',
  },
  DSO_SHARD_NOT_QUARANTINED: {
    meaning: 'No such shard is quarantined, so there is nothing to lift.',
    remedy: 'See the quarantined shards in `dso status`.',
    fault: 'conflict',
  },
  DSO_UNKNOWN_OPERATION: {
    meaning: 'No operation has this id.',
    remedy: 'See the ids in `dso operations`.',
    fault: 'caller',
  },
  DSO_UNKNOWN_API_TOKEN: {
    meaning: 'No API token has this id or name.',
    remedy: 'See them: `dso token list`.',
    fault: 'caller',
  },
  DSO_API_TOKEN_NAME_TAKEN: {
    meaning: 'There is an API token with this name.',
    remedy: 'Choose another name, or revoke the other token.',
    fault: 'conflict',
  },
  DSO_TOO_MANY_API_TOKENS: {
    meaning: 'There are as many API tokens as are kept.',
    remedy: 'Revoke some: `dso token list`, `dso token revoke`.',
    fault: 'conflict',
  },
  DSO_IDEMPOTENCY_KEY_USED: {
    meaning: 'The idempotency key came with another request before.',
    remedy: 'Use a new key for a new request.',
    fault: 'conflict',
  },
  DSO_CHANGED_MEANWHILE: {
    meaning: 'What was to be changed is not any more what `If-Match` says.',
    remedy: 'Read it again, and decide anew.',
    fault: 'conflict',
  },
  DSO_OPERATION_OVER: {
    meaning: 'The operation is over, or has come too far to be cancelled.',
    remedy: 'Nothing; the message says how it ended.',
    fault: 'conflict',
  },
  DSO_OPERATION_CANCELLED: {
    meaning: 'An operator cancelled the operation before it was done.',
    remedy: 'The message says by whom and how far it came; start it again if it is still wanted.',
    fault: 'conflict',
  },
} as const;

export type DomainErrorCode = keyof typeof DOMAIN_ERRORS;

/** What the table says of a code. */
export function errorEntry(code: DomainErrorCode): DomainErrorEntry {
  return DOMAIN_ERRORS[code];
}

/** The error of a refused or failed command, with the fault the table gives it. */
export function commandError(code: DomainErrorCode, message: string): CommandError {
  const { fault } = errorEntry(code);
  return { code, message, fault: fault === 'peer' ? 'fleet' : fault };
}
