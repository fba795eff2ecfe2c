/**
 * The errors of this package. Every one has a stable `code` from the table below (it also makes
 * `docs/reference/errors.md`); its message names the thing at fault and the way out, in plain sentences.
 */
import { CodedError, messageOf } from '@dshard/protocol';
import { type Address, formatAddress, parseAddress } from '@dshard/transport';

export const ORCHESTRATOR_ERRORS = {
  DSO_CLOSED_BY_DEFAULT: {
    meaning: 'Listening beyond this machine was asked for without a token.',
    remedy: 'Set a token (DSO_TOKEN, or tokenFile), or listen on 127.0.0.1.',
  },
  DSO_ADDRESS_TAKEN: {
    meaning: 'Another program listens on the address already.',
    remedy: 'Stop it (`ss -ltnp` shows who it is), or choose another address.',
    retryable: true,
  },
  DSO_ADDRESS_UNUSABLE: {
    meaning: 'The address cannot be listened on.',
    remedy: 'Choose an address of this machine and a port this user may open.',
  },
  DSO_NOT_RUNNING: {
    meaning: 'The orchestrator was not started yet, or is closing.',
    remedy: 'Ask again when it runs.',
    retryable: true,
  },
  DSO_INTERNAL: {
    meaning: 'A bug in the orchestrator.',
    remedy: 'Report it with the log line that has the stack.',
  },
  DSO_IDENTIFY_TIMEOUT: {
    meaning: 'A peer connected to the node port and did not identify itself in time.',
    remedy: 'Check what connects there; nodes identify themselves at once.',
    retryable: true,
  },
  DSO_IDENTIFY_EXPECTED: {
    meaning: 'The first message of a connection was not an Identify.',
    remedy: 'Check what connects to the node port; a node sends Identify first.',
  },
  DSO_PROOF_EXPECTED: {
    meaning: 'A connection that was asked to prove the shared token sent something else.',
    remedy: 'Check what connects to the node port; nodes of @dshard/node send a proof.',
  },
  DSO_CHALLENGE_UNANSWERED: {
    meaning: 'A node hung up when this orchestrator proved its token: the node has another one.',
    remedy: 'Give the node the same token: DSO_TOKEN, or DSO_TOKEN_FILE with the file that holds it.',
  },
  DSO_TOO_MANY_CONNECTIONS: {
    meaning: 'More connections than the orchestrator takes.',
    remedy: 'Raise maxConnections, or find out what connects so often.',
    retryable: true,
  },
  DSO_ORCHESTRATOR_LEAVING: {
    meaning: 'The orchestrator closes its connections because it restarts or ends.',
    remedy: 'Nothing: nodes run on and connect again.',
    retryable: true,
  },
  DSO_TRACING_UNAVAILABLE: {
    meaning: 'The setting `tracing` is on, and the package `@opentelemetry/api` is not installed.',
    remedy: 'Install it where the orchestrator is installed, or set `tracing` to false.',
  },
  DSO_PROXY_UNUSABLE: {
    meaning: 'The proxy that the environment names (HTTPS_PROXY, HTTP_PROXY) cannot be used, or lets nothing through.',
    remedy: 'Correct the variable, or name the host in NO_PROXY to reach it directly.',
    retryable: true,
  },
  DSO_NO_VERSION_SOURCE: {
    meaning: 'Nobody told the orchestrator how to find out which version is deployed.',
    remedy: 'Configure a version command or a fixed version.',
  },
  DSO_NO_UPDATE_COMMAND: {
    meaning: 'Nobody told the orchestrator how to fetch a new version.',
    remedy: 'Configure an update command.',
  },
  DSO_VERSION_COMMAND_FAILED: {
    meaning: 'The configured version or update command failed or took too long.',
    remedy: 'Run it by hand in the same directory; the message carries its error output.',
    retryable: true,
  },
  DSO_COMMAND_INVALID: {
    meaning: 'A command line cannot be split into a program and its arguments.',
    remedy: 'Close the quote the message names, or give the command as a list of words.',
  },
  DSO_COMMAND_NOT_FOUND: {
    meaning: 'The program of a command does not exist.',
    remedy: 'Check its spelling, its path and PATH.',
  },
  DSO_COMMAND_NOT_EXECUTABLE: {
    meaning: 'The program of a command may not be executed.',
    remedy: 'Make it executable (chmod +x), or start it through its interpreter.',
  },
  DSO_WORKING_DIRECTORY_MISSING: {
    meaning: 'The working directory of a command does not exist or is no directory.',
    remedy: 'Create it, or correct the configured directory.',
  },
  DSO_LAUNCH_FAILED: {
    meaning: 'The system refused to start a program.',
    remedy: 'See the cause in the message.',
    retryable: true,
  },
  DSO_STOP_FAILED: {
    meaning: 'A node process was killed and is still there.',
    remedy: 'It is probably stuck in the kernel (a dead disk); look at it on its host.',
    retryable: true,
  },
  DSO_DATA_DIR_LOCKED: {
    meaning: 'Another orchestrator uses this data directory.',
    remedy: 'Stop the other one, or give this one a data directory of its own.',
  },
  DSO_DATA_DIR_UNUSABLE: {
    meaning: 'The data directory cannot be created, read or written.',
    remedy: 'Check the path, its rights and the free space.',
  },
  DSO_STORE_UNUSABLE: {
    meaning: 'The state store cannot be opened: it is damaged, of another program, or of a newer version.',
    remedy:
      'See the message; moving the file away starts without what it remembers, and running nodes are found again.',
  },
  DSO_NOT_LEADER: {
    meaning: 'A standby was asked, which only says who leads.',
    remedy: 'Nodes and `dso` that know several addresses go to the leader by themselves; else name its address.',
    retryable: true,
  },
  DSO_STORE_LED: {
    meaning: 'Another orchestrator leads on this state store.',
    remedy: 'Stop the one the message names, give this one a store of its own, or let it wait (`dso up --standby`).',
    retryable: true,
  },
  DSO_STORE_NOT_EMPTY: {
    meaning: 'A store was to be copied to another one that remembers something already.',
    remedy: 'Name another schema or file, or remove what is there.',
  },
  DSO_STORE_UNAVAILABLE: {
    meaning: 'The state store cannot be written, so the orchestrator changes nothing; the bot runs on.',
    remedy: 'Make the store writable again (`dso status` says what is wrong); it goes on by itself.',
    retryable: true,
  },
  DSO_OVERLOADED: {
    meaning: 'More waits to be looked at than the orchestrator keeps; nodes connect again and tell their state anew.',
    remedy: 'Nothing if it passes; otherwise find out what keeps the orchestrator (its store, its CPU).',
    retryable: true,
  },
  DSO_LEADERSHIP_LOST: {
    meaning: 'Another orchestrator took over the state store, so this one has ended.',
    remedy: 'Find out why it could not renew its lease (a stopped process, a dead disk); then start it again.',
    retryable: true,
  },
  DSO_DISCORD_TOKEN_REFUSED: {
    meaning: 'Discord refused the bot token.',
    remedy: 'Correct the configured Discord token.',
  },
  DSO_DISCORD_RATE_LIMITED: {
    meaning: 'Discord asks us to wait before asking again.',
    remedy: 'Wait; it is tried again.',
    retryable: true,
  },
  DSO_DISCORD_UNREACHABLE: {
    meaning: "Discord's API did not answer.",
    remedy: 'Check the network and the configured API address.',
    retryable: true,
  },
  DSO_DISCORD_ANSWER_INVALID: {
    meaning: "Discord's API gave an answer that is not what /gateway/bot gives.",
    remedy: 'Check the configured API address.',
    retryable: true,
  },
} as const;

export type OrchestratorErrorCode = keyof typeof ORCHESTRATOR_ERRORS;

export class OrchestratorError extends CodedError<OrchestratorErrorCode> {
  override readonly name = 'OrchestratorError';
  /** Who refused said how long to wait; null: nothing was said. */
  readonly retryAfterMs: number | null;

  constructor(
    code: OrchestratorErrorCode,
    message: string,
    { retryAfterMs = null, ...options }: { cause?: unknown; retryAfterMs?: number | null } = {},
  ) {
    super(ORCHESTRATOR_ERRORS, code, message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

// What is said when an address cannot be listened on: who has it, and which setting chooses another.

/** Who wanted to listen, and how somebody chooses another address for it. */
export type ListeningPart = { what: string; key: string; flag: string };

/** `listener`: who listens there, null where it cannot be known. `isOurs`: what listens there is an orchestrator. */
export function addressTaken(
  address: Address,
  part: ListeningPart,
  cause: unknown,
  { listener, isOurs = false }: { listener: { pid: number; name: string } | null; isOurs?: boolean },
): OrchestratorError {
  const { host, port } = parseAddress(address);
  const other = formatAddress(host, port < 65_535 ? port + 10 : port - 10);
  const who = isOurs ? 'another orchestrator' : 'another program';
  const named = listener === null ? '' : ` (process ${listener.pid}, ${listener.name})`;
  const look = isOurs ? `dso status --address ${address}` : `ss -ltnp 'sport = :${port}'`;
  return new OrchestratorError(
    'DSO_ADDRESS_TAKEN',
    `${part.what} cannot listen on ${address}: ${who} has port ${port} already${named}. \`${look}\` shows which. ` +
      `Stop it, or choose another address with ${part.key} in dso.yaml or ${part.flag} ${other}.`,
    { cause },
  );
}

export function addressUnusable(address: Address, part: ListeningPart, cause: unknown): OrchestratorError {
  return new OrchestratorError(
    'DSO_ADDRESS_UNUSABLE',
    `${part.what} cannot listen on ${address}: ${messageOf(cause)}. Choose another address with ${part.key} in dso.yaml or ${part.flag}.`,
    { cause },
  );
}
