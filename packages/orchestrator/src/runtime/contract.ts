import type { Alarm, StoreStatus } from '@dshard/api';
import type { Address, Cancel, Clock, Logger, MessageConnectionOptions, Random, Transport } from '@dshard/transport';
import type { Expected } from '../domain/state/access.js';
import type { CommandResult, OperatorCommand } from '../domain/state/commands.js';
import type { HistoryEntry } from '../domain/state/effects.js';
import type { Settings } from '../domain/state/settings.js';
import type { OrchestratorState } from '../domain/state/state.js';
import type { OrchestratorError } from '../errors.js';
import type { Ledger } from '../metrics/ledger.js';
import type { RuntimeFigures } from '../metrics/metric.js';
import type { AlarmSink, GatewayInfoSource, Launcher, VersionSource } from '../ports/surroundings.js';
import type { StateSpool } from '../ports/state-spool.js';
import type { Leadership } from './leadership.js';
import type { Succession } from './succession.js';

export type OrchestratorOptions = {
  /** Where nodes connect, `127.0.0.1:7447` by default. */
  listen: Address;
  /** The shared token, or null. Without one, listening beyond loopback is refused. */
  token: string | null;
  settings: Settings;
  /** How long a node process has between SIGTERM and SIGKILL. */
  stopGraceMs: number;
  clock: Clock;
  random: Random;
  transport: Transport;
  launcher: Launcher | null;
  versionSource: VersionSource | null;
  gatewayInfo: GatewayInfoSource | null;
  /** Where the state of parked shards lies; without it none can be parked. */
  spool?: StateSpool | null;
  /** Who is told of alarms that rise and fall; the history and the log are in any case. */
  alarmSink?: AlarmSink | null;
  /** From when on a shard that is down is an alarm. Default 30 s. */
  shardsDownAfterMs?: number;
  logger: Logger;
  /** Hears of the state after each decision. Must not throw. */
  onState?: (state: OrchestratorState) => void;
  /** Where the state is kept, acquired by `lead`, given back by `close`; without it nothing outlives the process. */
  leadership?: Leadership | null;
  /** How what the leader before may hold still is taken over. Without: there was none. */
  succession?: Pick<Succession, 'take'> | null;
  /** Connections open at once; further ones are closed. Default 4096. */
  maxConnections?: number;
  /** Of one address. Default 2048: the nodes of one host share theirs. */
  maxPerAddress?: number;
  /** Of these, how many may wait to identify themselves; beyond, the oldest is closed. Default 1024. */
  maxUnidentified?: number;
  /** Limits of each connection to a node. */
  connection?: MessageConnectionOptions;
};

/**
 * `leave`: nodes and their processes live on. `end`: the fleet is shut down for good, processes stopped, then killed.
 * `keepSessions`: the same, until the next orchestrator starts: shards are parked, and gateway sessions kept.
 */
export type CloseMode = 'leave' | 'end' | 'keepSessions';

/** An entry of the history with its place there; ids grow, from run to run if there is a store, and may leave gaps. */
export type RecordedEntry = HistoryEntry & { id: number; at: number };

export type CommandMeta = {
  /** Of the request that brings the command: what follows at once is recorded with it. */
  readonly requestId?: string;
  /** The command is refused unless what it is about still is so. */
  readonly expected?: Expected;
};

export type OrchestratorHandle = {
  start(): Promise<void>;
  /** The address nodes connect to, with the real port. */
  readonly address: Address;
  /** What the domain knows now. Read only. */
  readonly state: OrchestratorState;
  /**
   * Resolves when the command is done, not when it is accepted. Never rejects for a refused command.
   * @param by who asks, as the history is to name them.
   */
  command(command: OperatorCommand, by?: string, meta?: CommandMeta): Promise<CommandResult>;
  deployedVersion(): Promise<CommandResult>;
  pullNewVersion(): Promise<CommandResult>;
  readonly store: StoreStatus;
  /** Those that stand, the gravest first. */
  alarms(): readonly Alarm[];
  /** The last entries, oldest first (a bounded ring), those of earlier runs included. */
  history(): readonly RecordedEntry[];
  /** From the whole history: the first `limit` after an id, or, with null, the last `limit`. Oldest first. */
  pastEntries(after: number | null, limit: number): Promise<readonly RecordedEntry[]>;
  onEntry(listener: (entry: RecordedEntry) => void): Cancel;
  /** Resolves when another orchestrator has taken over the store: this one acts no more, closed as by `leave`. */
  readonly lost: Promise<OrchestratorError>;
  /** What was counted in this run, for metrics. */
  readonly ledger: Ledger;
  figures(): RuntimeFigures;
  close(mode: CloseMode): Promise<void>;
};

/** As a program that creates one has it. */
export type Orchestrator = OrchestratorHandle;
