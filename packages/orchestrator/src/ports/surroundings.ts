/** What the orchestrator asks of its surroundings beside the store: processes, versions, Discord's /gateway/bot. */
import type { Alarm } from '@dshard/api';

/** Starts node processes (the ancestor's NodeLauncher). */
export type NodeProcess = {
  node: string;
  pid: number;
  startedAt: number;
  /** The file that it writes to. */ log?: string;
};

export type ProcessExit = {
  node: string;
  /** What comes after "node web-3 …": "exited with code 1 after 0.2 s (command: …); last lines: …". */
  description: string;
};

export type Launcher = {
  /**
   * Processes of an earlier run of the orchestrator that still live are adopted; they are listed by `running`. Of those
   * that ended since, the exit is told before `start` resolves.
   */
  start(handlers: { onExit(exit: ProcessExit): void }): Promise<void>;
  running(): readonly NodeProcess[];
  /**
   * Resolves when the process runs, before an exit is told. Rejects, naming the command, when it cannot start.
   *
   * @param version what the process is told that it is (DSO_VERSION), where that is known.
   */
  launch(version?: string): Promise<NodeProcess>;
  /** Whether `launch` starts the version that it is given, and not only tells the process. Default false. */
  readonly launchesVersions?: boolean;
  /** The memory that its host, or the container, has left for more processes. null: not known. */
  availableBytes?(): number | null;
  /**
   * SIGTERM, then SIGKILL after `graceMs`; a later call with a shorter grace shortens it. Resolves when the process is
   * gone, also when it was never there.
   */
  stop(node: string, graceMs: number): Promise<void>;
  /** Stops following. The processes live on. */
  close(): Promise<void>;
};

/** What a new node would run (ancestor: LaunchVersion), and how to fetch a newer one (ancestor: VersionUpdater). */
export type VersionSource = {
  deployed(): Promise<string>;
  /** Resolves with the version deployed now. */
  pullNew(): Promise<string>;
};

/** What `GET /gateway/bot` says (ancestor: ShardCountProvider). */
export type GatewayInfo = {
  url: string;
  recommendedShards: number;
  maxConcurrency: number;
  /** Session starts of a day, and how many of them are left. */
  identifiesTotal: number;
  identifiesRemaining: number;
  resetAfterMs: number;
};

export type GatewayInfoSource = { fetch(): Promise<GatewayInfo> };

export type AlarmNotice = { event: 'raised' | 'cleared'; alarm: Alarm };

export type AlarmSink = {
  /** Returns at once, and never throws; what cannot be told is logged. */
  tell(notices: readonly AlarmNotice[]): void;
  /** What is still to be told is told, for a moment. */
  close(): Promise<void>;
};
