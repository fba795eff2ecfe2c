/** Everything that can go wrong in the node library and in its hosts: one table, one class. Codes are stable. */
import { CodedError } from '@dshard/protocol';

export const NODE_ERRORS = {
  DSO_NODE_OPTIONS_INVALID: {
    meaning: 'An option of the node or of a host is unknown or has a value it cannot have.',
    remedy: 'Correct the option that the message names.',
  },
  DSO_NODE_TOKEN_FILE: {
    meaning: 'The file of the token (DSO_TOKEN_FILE, or .dso/token) could not be read, or is empty.',
    remedy: 'Correct the path, or let the user of this process read it.',
  },
  DSO_NODE_STARTED_TWICE: {
    meaning: 'start() was called on a node that was started before.',
    remedy: 'Start a node once; make a new one with createNode() after close().',
  },
  DSO_NODE_CLOSED: {
    meaning: 'The node is closed or closing, so what was asked for will not happen.',
    remedy: 'Nothing, if the close was wanted.',
  },
  DSO_TOTAL_SHARDS_CHANGED: {
    meaning: 'The orchestrator has another total shard count than the one this node runs its shards with.',
    remedy: 'Restart the node, or give the orchestrator the old count.',
  },
  DSO_ORCHESTRATOR_UNPROVEN: {
    meaning: 'Who listens at the address of the orchestrator did not prove that it knows the token of this node.',
    remedy:
      'Give both the same token. If they have the same, another process listens there. An orchestrator in Go needs allowBaseLevelOrchestrator.',
  },
  DSO_ORCHESTRATOR_SUPERSEDED: {
    meaning: 'The orchestrator was started before one that this node has obeyed, so it does not lead any more.',
    remedy:
      'End it. If no other one runs, the clock was set back and the store was lost: restart the node, or set the clock right.',
    retryable: true,
  },
  DSO_ORCHESTRATOR_EPOCH_IMPOSSIBLE: {
    meaning:
      'The orchestrator has an epoch more than a year ahead of the clock here. Obeyed, it would be the last one ever.',
    remedy:
      'See who listens at that address. If it is yours, set its clock and this one right; its store remembers the wrong one.',
    retryable: true,
  },
  DSO_HOST_TIMEOUT: {
    meaning: 'The shard host did not finish a call within its deadline.',
    remedy: 'Look at what the host waits for, or raise the limit that the message names.',
    retryable: true,
  },
  DSO_HOST_INCOMPLETE: {
    meaning: 'The shard host was handed a user event, but it has no handleUserEvent.',
    remedy: 'Implement handleUserEvent, or stop sending user events from the other nodes.',
  },
  DSO_TRANSFER_CANCELLED: {
    meaning:
      'The migration for which user events were being sent is off; the shard stays here, or went by other means.',
    remedy: 'Nothing: stop sending. The state must stay usable, because the shard may be resumed here.',
    retryable: true,
  },
  DSO_PATIENCE_OVER: {
    meaning: 'A shard that is to move was kept for as long as it may be; it leaves now.',
    remedy: 'Finish sooner, or give the node more time (patienceMs).',
  },
  DSO_IMPORT_FAILED: {
    meaning: "User code did not take the state of a shard that came here, so the shard goes back to the origin's.",
    remedy: 'Look at what importShard threw or waited for.',
    retryable: true,
  },
  DSO_SHARD_NO_SESSION: {
    meaning: 'The shard has no gateway session yet, so there is nothing another node could resume.',
    remedy: 'Try again when the shard has become ready.',
    retryable: true,
  },
  DSO_SHARD_NOT_HOSTED: {
    meaning: 'The host was asked for a shard that it does not run.',
    remedy: 'See which node runs the shard (dso status).',
  },
  DSO_SHARD_STOPPED: {
    meaning: 'The shard was stopped before what was asked for was done.',
    remedy: 'Nothing, if the stop was wanted.',
    retryable: true,
  },
  DSO_SHARD_REFUSED: {
    meaning: 'Discord refused the shard for good; connecting again would not help.',
    remedy: 'Correct the bot token, the intents or the shard count, as the message says.',
  },
  DSO_GATEWAY_UNREACHABLE: {
    meaning: 'A shard that was to come to this node could not connect to the gateway beforehand.',
    remedy: "Check this node's way to Discord's gateway; the shard stays where it is, or connects anew when it comes.",
    retryable: true,
  },
  DSO_GATEWAY_INFO_FAILED: {
    meaning: 'GET /gateway/bot failed; it is tried again.',
    remedy: 'Check the bot token and the address of the API.',
    retryable: true,
  },
  DSO_MANAGER_NOT_IN_CHARGE: {
    meaning:
      'The WebSocketManager was asked to connect, spawn or destroy shards, which is for the orchestrator to say.',
    remedy: 'Do not call manager.connect(), updateShardCount() or destroy(); use node.start() and node.close().',
  },
  DSO_CLIENT_NOT_READY: {
    meaning: "The shard's guilds have not all arrived in the discord.js client yet, so it cannot move with them.",
    remedy: 'Nothing: the move is tried again.',
    retryable: true,
  },
  DSO_CLIENT_UNKNOWN: {
    meaning:
      'The options of orchestrated() were used for a client that login() was not called on, for two clients, or for one of another copy of discord.js.',
    remedy: 'Call orchestrated() once per client, and see that discord.js is installed once (npm ls discord.js).',
  },
  DSO_LOGIN_TWICE: {
    meaning: 'A client with orchestrated() logged in while this process was a node already.',
    remedy: 'One client per process; destroy() the first, or give the second a process of its own.',
  },
  DSO_NO_PARENT: {
    meaning: "Code written for discord.js' ShardingManager spoke to its parent process, which there is none of.",
    remedy: 'Use what the message names instead.',
  },
  DSO_DISCORDJS_UNSUPPORTED: {
    meaning: 'The installed version of discord.js lacks something that @dshard/node/discordjs is built on.',
    remedy: 'Install the version of discord.js that the message names, or a newer @dshard/node.',
  },
  DSO_LIBRARY_UNSUPPORTED: {
    meaning:
      'What was given to orchestrated() is not what the host for that library knows: another version, or another thing.',
    remedy: 'Install the version that the message names, and give orchestrated() the client that the bot made.',
  },
  DSO_CALL_INVALID: {
    meaning: 'A fleet call, or a handler for one, was given something that it cannot take.',
    remedy: 'Correct what the message names.',
  },
  DSO_CALL_REFUSED: {
    meaning: 'A fleet call was not made.',
    remedy: 'The message says why; where too many are under way, wait for some to end.',
    retryable: true,
  },
  DSO_CALL_INCOMPLETE: {
    meaning: 'Not every shard that was asked has answered.',
    remedy: 'Use what did come (`result` of the error), or look at the reasons that the message gives.',
    retryable: true,
  },
  DSO_CALL_NO_ORCHESTRATOR: {
    meaning: 'Fleet calls go by way of the orchestrator, and it was not connected, or was lost meanwhile.',
    remedy: 'Try again when it is back; the shards run on.',
    retryable: true,
  },
  DSO_CALL_NO_CLIENT: {
    meaning: 'A fleet call was to be evaluated on the client of a node that has none.',
    remedy: 'Name one: createNode({ fleet: { client } }), or use a handler.',
  },
  DSO_EVALUATION_OFF: {
    meaning: 'A node was sent a function to run, and does not run functions from elsewhere.',
    remedy: 'Turn it on with createNode({ fleet: { evaluate: true } }), or use a handler.',
  },
  DSO_JOB_INVALID: {
    meaning: 'A job of fleet.cron has a name or a schedule that it cannot have.',
    remedy: 'Correct what the message names. A schedule is a cron pattern, as 0 9 * * 1-5; a name is used once.',
  },
  DSO_LEADERSHIP_OVER: {
    meaning:
      'This process led the fleet, and does not any more: the lowest shard leaves, or the orchestrator is not heard of.',
    remedy: 'Stop what runs once per fleet: another process begins with it.',
  },
} as const;

export type NodeErrorCode = keyof typeof NODE_ERRORS;

/** `message` names the thing and the way out. */
export class NodeError extends CodedError<NodeErrorCode> {
  override readonly name = 'NodeError';

  constructor(code: NodeErrorCode, message: string, options?: { cause?: unknown }) {
    super(NODE_ERRORS, code, message, options);
  }
}
