/**
 * What a bot process is told by its environment: what the launcher sets (DSO_NODE_ID, DSO_ORCHESTRATOR, DSO_TOKEN or
 * DSO_TOKEN_FILE, DSO_VERSION, DSO_LOG_FILE), or the ancestor's `-nodeid <id>` on the command line; DSO_HOST, DSO_ZONE,
 * DSO_HEALTH_LISTEN, DSO_LEAVE_DEADLINE, DSO_ALLOW_BASE_LEVEL_ORCHESTRATOR; DSO_TLS, DSO_TLS_CA, DSO_TLS_CERT,
 * DSO_TLS_KEY, DSO_TLS_SERVER_NAME, DSO_INSECURE; DISCORD_API, where that is not Discord's own.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { MAX_NAME_LENGTH, messageOf } from '@dshard/protocol';
import { readTokenFile, type Address } from '@dshard/transport';
import type { NodeTls } from './control-transport.js';
import { NodeError } from './errors.js';
import type { LogFile } from './log-bound.js';
import { areOnLoopback } from './orchestrators.js';

export type LaunchEnvironment = {
  /** Undefined: the orchestrator gives one. */
  nodeId: string | undefined;
  orchestrator: string | undefined;
  token: string | undefined;
  /** Where the process runs, where its host's name is not what should count. */
  host: string | undefined;
  zone: string | undefined;
  version: string | undefined;
  /** The file that the launcher gave the process to write to; undefined: none, or one of before. */
  logFile: LogFile | undefined;
  allowBaseLevelOrchestrator: string | undefined;
  healthListen: string | undefined;
  leaveDeadline: string | undefined;
  /** Undefined: nothing is said of TLS. */
  tls: NodeTls | undefined;
  insecure: string | undefined;
  /** Discord's REST without its version, where that is not Discord's own. */
  discordApi: string | undefined;
  /** Whether a launcher started this process: it then expects the process to end when told to shut down. */
  launched: boolean;
};

/** Throws `DSO_NODE_TOKEN_FILE` when the file that DSO_TOKEN_FILE names holds no token. */
export function launchEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): LaunchEnvironment {
  return {
    nodeId: given(env['DSO_NODE_ID']),
    orchestrator: given(env['DSO_ORCHESTRATOR']),
    token: given(env['DSO_TOKEN']) ?? tokenFromFile(given(env['DSO_TOKEN_FILE'])),
    host: given(env['DSO_HOST']),
    zone: given(env['DSO_ZONE']),
    version: given(env['DSO_VERSION']),
    logFile: logFileOf(given(env['DSO_LOG_FILE']), Number(env['DSO_LOG_MAX_BYTES'])),
    allowBaseLevelOrchestrator: given(env['DSO_ALLOW_BASE_LEVEL_ORCHESTRATOR']),
    healthListen: given(env['DSO_HEALTH_LISTEN']),
    leaveDeadline: given(env['DSO_LEAVE_DEADLINE']),
    tls: tlsOf(env),
    insecure: given(env['DSO_INSECURE']),
    discordApi: apiOf(given(env['DISCORD_API'])),
    launched: given(env['DSO_NODE_ID']) !== undefined,
  };
}

/** The id in `-nodeid <id>`, `--nodeid <id>` or `--nodeid=<id>`, as the ancestor's launcher appends it, if any. */
export function nodeIdFromArgv(argv: readonly string[] = process.argv): string | undefined {
  for (const [index, argument] of argv.entries()) {
    const match = /^--?nodeid(?:=(?<id>.*))?$/u.exec(argument);
    if (match !== null) {
      return given(match.groups?.['id'] ?? argv[index + 1]);
    }
  }
  return undefined;
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

/** Without its version, which a library appends by itself: `https://discord.com/api/v10` is `https://discord.com/api`. */
function apiOf(url: string | undefined): string | undefined {
  return url?.replace(/\/(v\d+\/?)?$/, '');
}

/** `DSO_TLS=true` alone: by TLS, with the authorities that Node.js knows. */
function tlsOf(env: Readonly<Record<string, string | undefined>>): NodeTls | undefined {
  const named = {
    ca: given(env['DSO_TLS_CA']),
    cert: given(env['DSO_TLS_CERT']),
    key: given(env['DSO_TLS_KEY']),
    serverName: given(env['DSO_TLS_SERVER_NAME']),
  };
  const tls = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  return env['DSO_TLS'] === 'true' || Object.keys(tls).length > 0 ? tls : undefined;
}

function logFileOf(path: string | undefined, maxBytes: number): LogFile | undefined {
  return path !== undefined && Number.isSafeInteger(maxBytes) && maxBytes > 0 ? { path, maxBytes } : undefined;
}

function tokenFromFile(path: string | undefined): string | undefined {
  if (path === undefined) {
    return undefined;
  }
  try {
    return readTokenFile(path);
  } catch (cause) {
    throw new NodeError('DSO_NODE_TOKEN_FILE', messageOf(cause), { cause });
  }
}

/** Where `dso up` keeps the token that it makes when nobody chose one. */
const OWN_TOKEN_FILE = join('.dso', 'token');

/**
 * For a node that is started by hand: the token of an orchestrator of this machine that runs in the same folder.
 * Undefined without one, and where DSO_TOKEN is set to nothing. A file that others could have written is not believed.
 */
export function tokenBeside(
  orchestrators: readonly Address[],
  env: Readonly<Record<string, string | undefined>> = process.env,
  folder: string = process.cwd(),
): string | undefined {
  if (env['DSO_TOKEN'] === '' || !areOnLoopback(orchestrators)) return undefined;
  const path = join(folder, OWN_TOKEN_FILE);
  const file = statSync(path, { throwIfNoEntry: false });
  const isOurs = file !== undefined && (file.mode & 0o022) === 0 && file.uid === process.getuid?.();
  return isOurs ? tokenFromFile(path) : undefined;
}

/**
 * The version in the package.json of the bot, for a process that is told none: of the folder of its script, or the
 * nearest one above. Undefined where there is none, and for scripts of installed tools, whose version is not the bot's.
 */
export function versionOfPackage(script: string | undefined = process.argv[1]): string | undefined {
  try {
    const path = realpathSync(script ?? '');
    return path.includes(`${sep}node_modules${sep}`) ? undefined : nearestVersion(dirname(path));
  } catch {
    return undefined;
  }
}

function nearestVersion(folder: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown };
    return typeof version === 'string' && version.length <= MAX_NAME_LENGTH ? given(version) : undefined;
  } catch (error) {
    const above = dirname(folder);
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isMissing && above !== folder ? nearestVersion(above) : undefined;
  }
}
