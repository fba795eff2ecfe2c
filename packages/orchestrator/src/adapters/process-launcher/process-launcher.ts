/**
 * Launches nodes as processes on this host.
 *
 * A process outlives its orchestrator: it runs in a process group of its own, its output goes to a file it holds
 * itself, and a record on disk lets the next run of the orchestrator adopt it. Only `stop` ends a process.
 *
 * States: idle → running (`start`) → closed (`close`). While running this launcher holds the lock of its data
 * directory; every living process it knows has a record in the registry, and every record has a living process or is
 * removed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { messageOf } from '@dshard/protocol';
import type { Address, Clock, Logger } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';
import type { Launcher, NodeProcess, ProcessExit } from '../../ports/surroundings.js';
import { requireDirectory, spawnError } from '../command-line/run.js';
import { toCommand, type Command } from '../command-line/split.js';
import { lockDataDir } from './lock.js';
import { followLog, UNREAD_FACTOR } from './log-follower.js';
import { ManagedProcess } from './managed-process.js';
import { identityOf, isAlive } from './process-identity.js';
import { processRegistry, type ProcessRecord, type ProcessRegistry } from './registry.js';

export type ProcessLauncherOptions = {
  /**
   * The program and its arguments; `{nodeId}` in a word becomes the node's id, `{version}` the version that is to be
   * started. A line is split without a shell.
   */
  command: string | readonly string[];
  /** Append `-nodeid <id>`, as the ancestor does, when the command has no `{nodeId}`. Default false. */
  ancestorArguments?: boolean;
  /** Where the command runs. Default: where the orchestrator runs. */
  cwd?: string;
  /** Added to the orchestrator's own environment. */
  env?: Readonly<Record<string, string>>;
  /** Records, logs and the lock. Default `.dso` below the orchestrator's working directory. One per orchestrator. */
  dataDir?: string;
  /** Begins every node id. Default: the host's name. */
  namePrefix?: string;
  /** Where nodes connect (DSO_ORCHESTRATOR); a function when it is known only once the orchestrator listens. */
  orchestrator: Address | (() => Address);
  /** Given to nodes as DSO_TOKEN. */
  token: string | null;
  clock: Clock;
  /** The output of the processes goes here, with the node's id. */
  logger: Logger;
  /** How often logs and adopted processes are looked at where the system does not tell. Default 500. */
  pollMs?: number;
  /** A log file that is larger, and read to its end, is rotated. Default 8 MiB. */
  maxLogBytes?: number;
  /** Longer lines of output come in pieces. Default 8192 characters. */
  maxLineLength?: number;
};

const DEFAULT_POLL_MS = 500;
const DEFAULT_MAX_LOG_BYTES = 8 * 1024 * 1024;
const DEFAULT_MAX_LINE_LENGTH = 8192;
/** How many logs of ended processes are kept to look into. */
const KEPT_LOGS = 10;

type Handlers = { onExit(exit: ProcessExit): void };

type Phase =
  | { kind: 'idle' }
  | { kind: 'running'; registry: ProcessRegistry; unlock: () => void; handlers: Handlers; nextId: () => string }
  | { kind: 'closed' };

/** Throws `DSO_COMMAND_INVALID` for a command line that cannot be split. */
export function createProcessLauncher(options: ProcessLauncherOptions): Launcher {
  return new ProcessLauncher(options);
}

class ProcessLauncher implements Launcher {
  readonly #options: ProcessLauncherOptions;
  readonly #command: Command;
  readonly #cwd: string;
  readonly #dataDir: string;
  readonly #pollMs: number;
  readonly #maxLogBytes: number;
  readonly #processes = new Map<string, ManagedProcess>();
  #phase: Phase = { kind: 'idle' };

  constructor(options: ProcessLauncherOptions) {
    this.#options = options;
    this.#command = toCommand(options.command);
    this.#cwd = resolve(options.cwd ?? '.');
    this.#dataDir = resolve(options.dataDir ?? '.dso');
    this.#pollMs = options.pollMs ?? DEFAULT_POLL_MS;
    this.#maxLogBytes = options.maxLogBytes ?? DEFAULT_MAX_LOG_BYTES;
  }

  async start(handlers: Handlers): Promise<void> {
    this.#requireIdle();
    const unlock = await lockDataDir(this.#dataDir, this.#options);
    try {
      this.#requireIdle();
      const registry = processRegistry(this.#dataDir, this.#options.logger);
      const prefix = cleanPrefix(this.#options.namePrefix ?? hostname());
      const nextId = nodeIds({ prefix, clock: this.#options.clock, taken: (id) => this.#processes.has(id) });
      this.#phase = { kind: 'running', registry, unlock, handlers, nextId };
      for (const record of registry.read()) this.#adopt(record, registry, handlers);
      registry.pruneLogs(KEPT_LOGS);
    } catch (error) {
      this.#phase = { kind: 'closed' };
      unlock();
      throw error;
    }
  }

  get launchesVersions(): boolean {
    return this.#command.some((word) => word.includes('{version}'));
  }

  availableBytes(): number {
    return process.availableMemory();
  }

  running(): readonly NodeProcess[] {
    return [...this.#processes.values()].map(({ record }) => toNodeProcess(record));
  }

  async launch(version?: string): Promise<NodeProcess> {
    if (this.#phase.kind !== 'running') throw this.#notRunning();
    const { registry, nextId } = this.#phase;
    const node = nextId();
    const command = this.#commandFor(node, version);
    requireDirectory(this.#cwd);
    const env = this.#environmentFor(node, version, registry.logPath(node));
    const { child, pid } = await this.#spawn(command, env, registry.openLog(node));
    const launchedAt = this.#options.clock.now();
    const record: ProcessRecord = { ...identityOf(pid), node, command, launchedAt, logOffset: null };
    this.#manage({ ...record, logOffset: 0 }, child, registry);
    try {
      registry.write(record);
    } catch (error) {
      // Without a record nobody would find it after a restart.
      await this.stop(node, 0);
      throw error;
    }
    return { ...toNodeProcess(record), log: registry.logPath(node) };
  }

  async stop(node: string, graceMs: number): Promise<void> {
    await this.#processes.get(node)?.stop(graceMs);
  }

  async close(): Promise<void> {
    if (this.#phase.kind !== 'running') return;
    const { registry, unlock } = this.#phase;
    this.#phase = { kind: 'closed' };
    for (const managed of this.#processes.values()) {
      const logOffset = managed.close();
      try {
        registry.write({ ...managed.record, logOffset });
      } catch (error) {
        this.#options.logger.warn({ node: managed.record.node }, messageOf(error));
      }
    }
    this.#processes.clear();
    unlock();
  }

  #requireIdle(): void {
    if (this.#phase.kind !== 'idle') throw this.#notRunning();
  }

  #notRunning(): OrchestratorError {
    return new OrchestratorError('DSO_NOT_RUNNING', `The launcher is ${this.#phase.kind}.`);
  }

  #commandFor(node: string, version: string | undefined): Command {
    if (version === undefined && this.launchesVersions) {
      throw new OrchestratorError(
        'DSO_COMMAND_INVALID',
        'The node command has {version}, and no version is known: set launcher.version or launcher.versionCommand.',
      );
    }
    const [program, ...args] = this.#command;
    const fill = (word: string): string =>
      word.replaceAll(/\{nodeId\}|\{version\}/g, (placeholder) =>
        placeholder === '{nodeId}' ? node : (version ?? ''),
      );
    const named = this.#command.some((word) => word.includes('{nodeId}'));
    const extra = this.#options.ancestorArguments === true && !named ? ['-nodeid', node] : [];
    return [fill(program), ...args.map(fill), ...extra];
  }

  #environmentFor(node: string, version: string | undefined, logPath: string): NodeJS.ProcessEnv {
    const { env, orchestrator, token } = this.#options;
    const address = typeof orchestrator === 'string' ? orchestrator : orchestrator();
    return {
      ...process.env,
      ...(version === undefined ? {} : { DSO_VERSION: version }),
      ...env,
      DSO_NODE_ID: node,
      DSO_ORCHESTRATOR: reachable(address),
      DSO_LOG_FILE: logPath,
      DSO_LOG_MAX_BYTES: String(UNREAD_FACTOR * this.#maxLogBytes),
      ...(token === null ? {} : { DSO_TOKEN: token }),
    };
  }

  /** Takes over `log`. Resolves in the turn the process runs, so that its exit is never reported before its launch. */
  #spawn(command: Command, env: NodeJS.ProcessEnv, log: number): Promise<{ child: ChildProcess; pid: number }> {
    const [program, ...args] = command;
    return new Promise((resolveSpawn, reject) => {
      try {
        const child = spawn(program, args, {
          cwd: this.#cwd,
          env,
          detached: true,
          stdio: ['ignore', log, log],
        });
        child.unref();
        child.once('error', (cause) => reject(spawnError(command, this.#cwd, cause)));
        if (child.pid !== undefined) resolveSpawn({ child, pid: child.pid });
      } catch (cause) {
        reject(spawnError(command, this.#cwd, cause));
      } finally {
        closeSync(log);
      }
    });
  }

  #adopt(record: ProcessRecord, registry: ProcessRegistry, handlers: Handlers): void {
    const { node, pid } = record;
    if (isAlive(record)) {
      this.#manage(record, null, registry);
      this.#options.logger.info({ node, pid }, `Node ${node} still runs (process ${pid}); it is adopted.`);
    } else {
      registry.remove(node);
      this.#options.logger.info({ node, pid }, `Node ${node} (process ${pid}) ended while no orchestrator ran.`);
      handlers.onExit({ node, description: 'ended while no orchestrator ran' });
    }
  }

  #manage(record: ProcessRecord, child: ChildProcess | null, registry: ProcessRegistry): void {
    const { clock, logger, maxLineLength } = this.#options;
    const { node } = record;
    const path = registry.logPath(node);
    const unfollowable = (error: unknown): void =>
      logger.warn({ node, file: path }, `The output of node ${node} cannot be followed: ${messageOf(error)}.`);
    const managed = new ManagedProcess({
      record,
      logPath: path,
      child,
      clock,
      pollMs: this.#pollMs,
      onLine: (line) => logger.info({ node }, line),
      onEnd: (description) => this.#ended(node, description),
      follow: (onLine) => {
        try {
          return followLog({
            path,
            offset: record.logOffset,
            clock,
            pollMs: this.#pollMs,
            maxFileBytes: this.#maxLogBytes,
            maxLineLength: maxLineLength ?? DEFAULT_MAX_LINE_LENGTH,
            onLine,
            onSkipped: (bytes) =>
              logger.warn({ node, bytes }, `Node ${node} writes faster than can be read: ${bytes} bytes were skipped.`),
            onError: unfollowable,
          });
        } catch (error) {
          unfollowable(error);
          return null;
        }
      },
    });
    this.#processes.set(node, managed);
  }

  #ended(node: string, description: string): void {
    this.#processes.delete(node);
    if (this.#phase.kind !== 'running') return;
    try {
      this.#phase.registry.remove(node);
      this.#phase.registry.pruneLogs(KEPT_LOGS);
    } catch (error) {
      this.#options.logger.warn({ node }, `The files of node ${node} cannot be cleaned up: ${messageOf(error)}.`);
    }
    this.#phase.handlers.onExit({ node, description });
  }
}

function toNodeProcess(record: ProcessRecord): NodeProcess {
  return { node: record.node, pid: record.pid, startedAt: record.launchedAt };
}

/** An orchestrator that listens everywhere is reached, from its own host, over loopback. */
function reachable(address: Address): Address {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

// Ids of launched nodes, as the ancestor makes them: a name, then the time in base-36 milliseconds. Ids of one launcher
// grow, so that two launches in one millisecond, or a clock that goes back, never give the same id twice.

/** The protocol's bound on node ids. */
const MAX_NODE_ID_LENGTH = 128;

/** `taken` says whether a node of an earlier run has the id. */
function nodeIds(options: { prefix: string; clock: Clock; taken(id: string): boolean }): () => string {
  let last = 0;
  const idOf = (ms: number): string => {
    const suffix = ms.toString(36);
    return `${options.prefix.slice(0, MAX_NODE_ID_LENGTH - suffix.length - 1)}-${suffix}`;
  };
  return () => {
    do last = Math.max(Math.floor(options.clock.now()), last + 1);
    while (options.taken(idOf(last)));
    return idOf(last);
  };
}

/** What may stand in a node id, which is also a file name: everything else becomes a dash. */
function cleanPrefix(prefix: string): string {
  return prefix.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '') || 'node';
}
