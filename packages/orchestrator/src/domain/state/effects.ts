import type { Message } from '@dshard/protocol';
import type { CommandResult } from './commands.js';
import type { SpooledState } from './park.js';
import type { OrchestratorState } from './state.js';

/** Nobody asked for it: the orchestrator itself saw to it. */
export const AUTOMATIC = 'automatic';

/** How many of those that somebody asked for are kept beyond the bound. */
export function askedForBound(maxHistory: number): number {
  return Math.max(1, Math.floor(maxHistory / 10));
}

/** Whether it is what somebody asked for, and not what the orchestrator saw to by itself. */
export function isAskedFor(value: unknown): boolean {
  const by = typeof value === 'object' && value !== null && 'by' in value ? value['by'] : undefined;
  return typeof by === 'string' && by !== AUTOMATIC;
}

/** What the domain wants done. Plain data; the runtime executes them in order. */
export type Effect =
  | { kind: 'send'; connection: string; message: Message }
  /**
   * To the orchestrator's own end of a migration, with the file that the migration is about. `whole`: what the file has
   * to hold, where it was written before.
   */
  | { kind: 'park'; message: Message; file: string; whole: SpooledState | null }
  /** Flush, then close; who was refused waits for the close, so as not to try again at once. */
  | { kind: 'close'; connection: string; code: string; message: string; refused?: true }
  /** The connection is established: the larger frame limit applies. */
  | { kind: 'accept'; connection: string; node: string }
  | { kind: 'reply'; request: string; result: CommandResult }
  /** Deliver `tick` at this time; replaces the earlier wish. null: none. */
  | { kind: 'wakeAt'; at: number | null }
  | { kind: 'fetchGatewayInfo' }
  /** `version`: another one than the deployed one. */
  | { kind: 'launchNode'; launch: string; version?: string }
  /** The launcher's process of this node: SIGTERM, and SIGKILL after the launcher's grace, but not before `graceMs`. */
  | { kind: 'endProcess'; node: string; graceMs: number }
  /** Something an operator would want to read, count or see in the history. */
  | { kind: 'record'; entry: HistoryEntry };

/** `level` is the log level; `fields` name the things; `text` is a sentence; `by`: who asked, or `AUTOMATIC`. */
export type HistoryEntry = {
  name: HistoryName;
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
  by: string;
  fields: Readonly<Record<string, string | number | boolean | null | readonly number[] | readonly string[]>>;
};

export type HistoryName =
  | 'orchestratorStarted'
  | 'totalShardsDecided'
  | 'nodeJoined'
  | 'nodeReplaced'
  | 'nodeRefused'
  | 'epochRaised'
  | 'nodeLost'
  | 'nodeGone'
  | 'nodeLaunching'
  | 'launchFailed'
  | 'crashLoop'
  | 'crashLoopOver'
  | 'processEnded'
  | 'nodeCordoned'
  | 'nodeUncordoned'
  | 'hostCordoned'
  | 'hostUncordoned'
  | 'nodeLeaving'
  | 'nodeShutdown'
  | 'shardsAssigned'
  | 'shardsStarting'
  | 'shardRunning'
  | 'shardsUp'
  | 'shardsDisconnected'
  | 'shardsRefused'
  | 'shardStopped'
  | 'shardVacant'
  | 'shardConflict'
  | 'resumeSlow'
  | 'migrationAnnounced'
  | 'migrationStarted'
  | 'migrationCompleted'
  | 'migrationFailed'
  | 'parkedStateLost'
  | 'shardQuarantined'
  | 'shardUnquarantined'
  | 'botBlamed'
  | 'alarmRaised'
  | 'alarmCleared'
  | 'operationStarted'
  | 'operationProgress'
  | 'operationCancelled'
  | 'operationEnded'
  | 'apiTokenCreated'
  | 'apiTokenRevoked'
  | 'gatewayInfoFailed'
  | 'identifyGranted'
  | 'identifyBudgetLow'
  | 'identifyBudgetRestored'
  | 'identifiesAllowed'
  | 'settingsChanged'
  | 'protocolViolation'
  | 'commandFailed'
  | 'storeLost'
  | 'storeRecovered';

/** What came of one event. */
export type Decision = { state: OrchestratorState; effects: readonly Effect[] };
