import type { Address, Cancel, Clock, Logger, MessageConnectionOptions, Random, Transport } from '@dshard/transport';
import type { CommandResult, OperatorCommand } from '../domain/commands.js';
import type { Happening } from '../domain/effects.js';
import type { Settings } from '../domain/settings.js';
import type { OrchestratorState } from '../domain/state.js';
import type { GatewayInfoSource } from '../ports/gateway-info.js';
import type { Launcher } from '../ports/launcher.js';
import type { VersionSource } from '../ports/version-source.js';

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
  logger: Logger;
  /** Connections open at once; further ones are closed. Default 4096. */
  maxConnections?: number;
  /** Limits of each connection to a node. */
  connection?: MessageConnectionOptions;
};

/** A happening with its place in the run's history; `id` grows by one. */
export type RecordedHappening = Happening & { id: number; at: number };

export type OrchestratorHandle = {
  start(): Promise<void>;
  /** The address nodes connect to, with the real port. */
  readonly address: Address;
  /** What the domain knows now. Read only. */
  readonly state: OrchestratorState;
  /** Resolves when the command is done, not when it is accepted. Never rejects for a refused command. */
  command(command: OperatorCommand): Promise<CommandResult>;
  deployedVersion(): Promise<CommandResult>;
  pullNewVersion(): Promise<CommandResult>;
  /** The last happenings, oldest first (a bounded ring). */
  history(): readonly RecordedHappening[];
  onHappening(listener: (happening: RecordedHappening) => void): Cancel;
  /** `leave`: nodes and their processes live on. `end`: the fleet is shut down for good, processes stopped, then killed. */
  close(mode: 'leave' | 'end'): Promise<void>;
};
