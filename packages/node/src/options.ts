/** The options of `createNode`: what may be given, what it defaults to, what is refused. All defaults are here. */
import { isNodeId, messageOf, UserEventRegistry } from '@dshard/protocol';
import { isToken, silentLogger, systemClock, systemRandom } from '@dshard/transport';
import type { Address, Clock, Logger, Random, Transport } from '@dshard/transport';
import { invalidOption, refuseUnknownKeys, wholeNumber } from './check-options.js';
import { controlTransport, type NodeTls } from './control-transport.js';
import { launchEnvironment, tokenBeside, versionOfPackage } from './environment.js';
import type { HealthCheck } from './health.js';
import { checkedLabels, type Labels } from './labels.js';
import type { LogFile } from './log-bound.js';
import { deadlineOf, resolveLeave, type LeaveOptions, type ResolvedLeave } from './leave-options.js';
import { resolveLimits, type NodeLimits } from './node-limits.js';
import { addressesOf } from './orchestrators.js';
import { DEFAULT_LIMITS, type SessionLimits } from './session/limits.js';
import type { HostTimeouts, ShardHost } from './shard-host.js';
import type { StandbyHook } from './standby.js';

/** What the node needs of a `UserEventRegistry`. */
export type UserEventCodec = Pick<UserEventRegistry, 'encode' | 'decode'>;

export type FleetSettings = {
  /** What fetchClientValues and broadcastEval see. Default: what the host offers as its `client`. */
  client?: object;
  /**
   * What fetchClientValues may read besides counts, ids, names, ping and uptime: paths, such as `stats` or
   * `cache.prefixes`, with all that lies below them. Tokens and private names stay here all the same.
   */
  values?: readonly string[];
  /** Whether functions that other nodes send (broadcastEval) are run here. Default false. */
  evaluate?: boolean;
};

export type NodeOptions = {
  /** How shards are started and stopped: `createWsHost(…)` from `@dshard/node/ws`, or your own. */
  host: ShardHost;
  /**
   * host:port of the orchestrator, or of all that may lead, with commas between them. Default DSO_ORCHESTRATOR, or
   * 127.0.0.1:7447.
   */
  orchestrator?: Address;
  /** 1–128 printable characters. Default DSO_NODE_ID; without one the orchestrator gives one. */
  nodeId?: string;
  /** Where the process runs. Default DSO_HOST and DSO_ZONE, or the machine's name and no zone. */
  labels?: Partial<Labels>;
  /** What a roll-out compares. Default DSO_VERSION, or the version in the package.json of the bot, or 'unknown'. */
  version?: string;
  /**
   * The shared token. Default DSO_TOKEN, or the content of the file DSO_TOKEN_FILE, or, for an orchestrator of this
   * machine, the file .dso/token of the folder in which the bot is started, where `dso up` keeps the token it made.
   */
  token?: string;
  /**
   * Whether an orchestrator that cannot prove the token is obeyed, at the base level: the ancestor's, in Go. Without a
   * token there is nothing to prove. Default DSO_ALLOW_BASE_LEVEL_ORCHESTRATOR (true or false), or false.
   */
  allowBaseLevelOrchestrator?: boolean;
  /**
   * The connection to the orchestrator goes by TLS: paths of PEM files. `ca`: who signs the orchestrator's certificate;
   * `cert` and `key`: ours, where the orchestrator asks for one. Default DSO_TLS_CA, DSO_TLS_CERT, DSO_TLS_KEY,
   * DSO_TLS_SERVER_NAME, or DSO_TLS=true for the authorities that Node.js knows; else plain text.
   */
  tls?: NodeTls;
  /** Whether an orchestrator beyond loopback is reached in plain text. Default DSO_INSECURE, or false. */
  insecure?: boolean;
  /** The user events of the bot, the same on all nodes. Needed to move state with the shards. */
  userEvents?: UserEventCodec;
  /** Calls from the rest of the fleet (`node.fleet`). */
  fleet?: FleetSettings;
  /**
   * host:port where `/livez` and `/readyz` are answered, for a scheduler's probes. Default DSO_HEALTH_LISTEN, or
   * nowhere.
   */
  healthListen?: Address;
  /**
   * The bot's own opinion of itself, asked every 5 s: true, or nothing, if all is well; false, or a sentence with the
   * reason, if not. A rollout to a version that is not well is reverted. As `node.health()`.
   */
  health?: HealthCheck;
  /**
   * Run once at the start, beside everything else, and answered as `health` is, within 30 s: a rollout gives no shard
   * to a version that fails it.
   */
  selfTest?: HealthCheck;
  /** As `node.onStandby()` and `node.onActive()`. */
  onStandby?: StandbyHook;
  onActive?: StandbyHook;
  /** Where the node writes what it has to say; pino fits. Default: nowhere. */
  logger?: Logger;
  limits?: NodeLimits;
  /**
   * How long the node stays, when it leaves, for what user code still does after the last shard has gone: handlers in
   * flight answer interactions from here. 0–3 600 000 ms. Default 15 s.
   */
  lingerMs?: number;
  /**
   * How long user code may keep a shard that is to move (`shardLeaving` with `waitUntil`); it serves meanwhile. 0–86
   * 400 000 ms. Default 0: it is told, and not waited for.
   */
  patienceMs?: number;
  /**
   * Whether the process ends (exit code 0) when the node has left because the orchestrator said so: as soon as nothing
   * is left to do, and `lingerMs` later in any case, unless a launcher ends it by signal. What follows `await
   * node.closed` and listeners of SIGTERM run. Set it to false for a process that goes on without the node. Default:
   * true when a launcher started the process (DSO_NODE_ID is set), else false.
   */
  exitOnShutdown?: boolean;
  /** How `leave()` leaves, and the process at SIGTERM, where nothing else is said. */
  leave?: LeaveOptions;
  /**
   * Whether the node leaves when the process gets SIGTERM or SIGINT: its shards are moved to others, what is left is
   * closed with its session kept, then the process ends (exit code 0 if the orchestrator has every shard or cursor, 75
   * otherwise). Listeners of the bot's own run as well; one that ends the process at once cuts that short. Default:
   * true.
   */
  signals?: boolean;
  /** For tests. Default: the system's. */
  clock?: Clock;
  random?: Random;
  transport?: Transport;
};

export type ResolvedOptions = {
  readonly host: ShardHost;
  readonly orchestrators: readonly Address[];
  readonly nodeId: string;
  readonly labels: Labels;
  readonly version: string;
  readonly token: string | null;
  readonly allowBaseLevelOrchestrator: boolean;
  readonly userEvents: UserEventCodec;
  readonly fleet: { readonly client: object | null; readonly values: readonly string[]; readonly evaluate: boolean };
  readonly healthListen: Address | null;
  readonly health: HealthCheck | null;
  readonly selfTest: HealthCheck | null;
  readonly onStandby: StandbyHook | null;
  readonly onActive: StandbyHook | null;
  readonly logger: Logger;
  readonly exitOnShutdown: boolean;
  readonly logFile: LogFile | null;
  readonly lingerMs: number;
  readonly patienceMs: number;
  readonly leave: ResolvedLeave;
  readonly signals: boolean;
  /** The host's own, or what stands for a host that waits for nothing. */
  readonly hostTimeouts: HostTimeouts;
  /** The machine's own: what takes time can be measured. */
  readonly isRealTime: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly connectTimeoutMs: number;
  readonly hostCallMs: number;
  readonly resumeMs: number;
  readonly healthMs: number;
  readonly selfTestMs: number;
  readonly session: SessionLimits;
};

const WHERE = 'createNode';

/** Hosts take these on behalf of the node that they make. */
export const NODE_OPTION_KEYS: readonly Exclude<keyof NodeOptions, 'host'>[] = [
  'orchestrator',
  'nodeId',
  'labels',
  'version',
  'token',
  'allowBaseLevelOrchestrator',
  'tls',
  'insecure',
  'userEvents',
  'fleet',
  'healthListen',
  'health',
  'selfTest',
  'onStandby',
  'onActive',
  'logger',
  'limits',
  'lingerMs',
  'patienceMs',
  'exitOnShutdown',
  'leave',
  'signals',
  'clock',
  'random',
  'transport',
];

const HOUR_MS = 3_600_000;
/** As long as an interaction's answers usually take. */
export const DEFAULT_LINGER_MS = 15_000;
const LINGER = { fallback: DEFAULT_LINGER_MS, range: { min: 0, max: HOUR_MS } };
const PATIENCE = { fallback: 0, range: { min: 0, max: 24 * HOUR_MS } };
const NOTHING_WAITED_FOR: HostTimeouts = { readyMs: 0, importMs: 0, handlersMs: 0 };

const HOST_METHODS = ['startShards', 'resumeShard', 'stopShard', 'freeze'] as const;

/** Throws `DSO_NODE_OPTIONS_INVALID`, or `DSO_NODE_TOKEN_FILE`. */
export function resolveOptions(
  options: NodeOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedOptions {
  refuseUnknownKeys(WHERE, options, ['host', ...NODE_OPTION_KEYS]);
  const launch = launchEnvironment(env);
  const clock = options.clock ?? systemClock();
  const { logger = silentLogger } = options;
  const limits = resolveLimits(WHERE, options.limits ?? {});
  const host = checkedHost(options.host);
  const orchestrators = checkedAddresses(options.orchestrator ?? launch.orchestrator ?? '127.0.0.1:7447');
  return Object.freeze({
    host,
    orchestrators,
    nodeId: checkedNodeId(options.nodeId ?? launch.nodeId ?? ''),
    labels: checkedLabels(WHERE, options.labels ?? {}, launch),
    version: options.version ?? launch.version ?? versionOfPackage() ?? 'unknown',
    token: checkedToken(options.token ?? launch.token ?? tokenBeside(orchestrators, env)),
    allowBaseLevelOrchestrator: checkedSwitch(
      'allowBaseLevelOrchestrator',
      options.allowBaseLevelOrchestrator ?? launch.allowBaseLevelOrchestrator ?? false,
    ),
    userEvents: options.userEvents ?? new UserEventRegistry(),
    fleet: resolveFleet(options.fleet ?? {}),
    healthListen: checkedHealthListen(options.healthListen ?? launch.healthListen),
    ...checkedHooks(options),
    logger,
    exitOnShutdown: options.exitOnShutdown ?? launch.launched,
    logFile: launch.logFile ?? null,
    lingerMs: wholeNumber(WHERE, 'lingerMs', options.lingerMs, LINGER.fallback, LINGER.range),
    patienceMs: wholeNumber(WHERE, 'patienceMs', options.patienceMs, PATIENCE.fallback, PATIENCE.range),
    leave: checkedLeave(options.leave, launch.leaveDeadline),
    // A clock that is not the system's is a test's: its process is none that is told to end.
    signals: options.signals ?? options.clock === undefined,
    hostTimeouts: checkedTimeouts(host, limits),
    isRealTime: options.clock === undefined,
    clock,
    random: options.random ?? systemRandom(),
    transport:
      options.transport ??
      controlTransport({
        where: WHERE,
        orchestrators,
        tls: options.tls ?? launch.tls,
        insecure: checkedSwitch('insecure', options.insecure ?? launch.insecure ?? false),
        clock,
        logger,
      }),
    connectTimeoutMs: limits.connectTimeoutMs,
    hostCallMs: limits.hostCallMs,
    resumeMs: limits.resumeMs,
    healthMs: limits.healthMs,
    selfTestMs: limits.selfTestMs,
    session: {
      identifyTimeoutMs: limits.connectTimeoutMs,
      backoffMinMs: limits.backoffMinMs,
      backoffMaxMs: Math.max(limits.backoffMinMs, limits.backoffMaxMs),
      refusedRetryMs: limits.refusedRetryMs,
      migrationTimeoutMs: limits.migrationTimeoutMs,
      freezeTimeoutMs: limits.freezeTimeoutMs,
      transferWindowBytes: limits.transferWindowBytes,
      shutdownTimeoutMs: limits.shutdownTimeoutMs,
      outboxMessages: limits.outboxMessages,
      outboxBytes: limits.outboxBytes,
      commandsPerShard: DEFAULT_LIMITS.commandsPerShard,
      stagedHighBytes: limits.stagedHighBytes,
    },
  });
}

function resolveFleet({ client, values = [], evaluate = false, ...rest }: FleetSettings): ResolvedOptions['fleet'] {
  refuseUnknownKeys(`${WHERE} (fleet)`, rest, ['client', 'values', 'evaluate']);
  if (typeof evaluate !== 'boolean') throw invalidOption(WHERE, 'fleet.evaluate', 'must be true or false.');
  if (client !== undefined && (typeof client !== 'object' || client === null)) {
    throw invalidOption(WHERE, 'fleet.client', 'must be an object.');
  }
  if (!Array.isArray(values) || !values.every((path) => typeof path === 'string' && path !== '')) {
    throw invalidOption(WHERE, 'fleet.values', 'must be a list of paths, such as ["stats.commands"].');
  }
  return { client: client ?? null, values, evaluate };
}

const HOOKS = ['health', 'selfTest', 'onStandby', 'onActive'] as const;

function checkedHooks(options: NodeOptions): Pick<ResolvedOptions, (typeof HOOKS)[number]> {
  for (const key of HOOKS) {
    if (options[key] !== undefined && typeof options[key] !== 'function') {
      throw invalidOption(WHERE, key, 'must be a function.');
    }
  }
  const { health = null, selfTest = null, onStandby = null, onActive = null } = options;
  return { health, selfTest, onStandby, onActive };
}

function checkedHost(host: ShardHost | undefined): ShardHost {
  if (host === undefined || host === null) {
    throw invalidOption(WHERE, 'host', 'is missing; use createWsHost from @dshard/node/ws, or write a ShardHost.');
  }
  for (const method of HOST_METHODS) {
    if (typeof host[method] !== 'function') {
      throw invalidOption(WHERE, 'host', `has no method ${method}; see the ShardHost contract.`);
    }
  }
  if (host.exportState !== undefined && host.exportDelta === undefined) {
    throw invalidOption(
      WHERE,
      'host',
      'has exportState and no exportDelta, so what changes meanwhile would not be sent.',
    );
  }
  return host;
}

/** A bound within another one has to be the smaller of the two. */
function checkedTimeouts({ timeouts = NOTHING_WAITED_FOR }: ShardHost, limits: Required<NodeLimits>): HostTimeouts {
  if (timeouts.handlersMs < limits.freezeTimeoutMs) return timeouts;
  throw invalidOption(
    WHERE,
    'limits.freezeTimeoutMs',
    `is ${limits.freezeTimeoutMs}, and the host waits up to ${timeouts.handlersMs} ms of it for handlers ` +
      '(timeouts.handlersMs of the host): no shard could ever move. Make timeouts.handlersMs the smaller one.',
  );
}

function checkedAddresses(written: string, option: keyof NodeOptions = 'orchestrator'): readonly Address[] {
  try {
    return addressesOf(written);
  } catch (error) {
    throw invalidOption(WHERE, option, `is "${written}": ${messageOf(error)}`);
  }
}

function checkedToken(token: string | undefined): string | null {
  if (token === undefined || isToken(token)) return token ?? null;
  throw invalidOption(WHERE, 'token', 'must be printable characters without blanks; leave it out where there is none.');
}

/** As an option, or as a variable of the environment. */
function checkedSwitch(name: keyof NodeOptions, value: boolean | string): boolean {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw invalidOption(WHERE, name, `is "${value}", but must be true or false.`);
}

function checkedLeave(options: LeaveOptions = {}, fromEnvironment: string | undefined): ResolvedLeave {
  const deadlineMs = options.deadlineMs ?? deadlineOf(fromEnvironment, WHERE);
  return resolveLeave(`${WHERE} (leave)`, { ...options, ...(deadlineMs !== undefined && { deadlineMs }) });
}

function checkedHealthListen(address: Address | undefined): Address | null {
  const [only = null, ...others] = address === undefined ? [] : checkedAddresses(address, 'healthListen');
  if (others.length > 0) throw invalidOption(WHERE, 'healthListen', `is "${address}", but must be one address.`);
  return only;
}

function checkedNodeId(nodeId: string): string {
  if (nodeId !== '' && !isNodeId(nodeId)) {
    throw invalidOption(WHERE, 'nodeId', `is "${nodeId}", but must be 1–128 printable characters without / or \\.`);
  }
  return nodeId;
}
