/** An orchestrator that only answers: real state types, recorded commands, results as a test wants them. */
import type { OperationData } from '../../src/domain/state/operations.js';
import type { Alarm } from '@dshard/api';
import { defaultSettings } from '../../src/config/settings.js';
import type { AuditEntry } from '../../src/domain/state/access.js';
import type { CommandResult, OperatorCommand } from '../../src/domain/state/commands.js';
import { initialState } from '../../src/domain/state/initial-state.js';
import type { Settings } from '../../src/domain/state/settings.js';
import type { CrashLoop } from '../../src/domain/state/processes.js';
import type { NodeState, OrchestratorState } from '../../src/domain/state/state.js';
import { Ledger } from '../../src/metrics/ledger.js';
import { METRICS } from '../../src/metrics/metrics.js';
import type { OrchestratorHandle, RecordedEntry } from '../../src/runtime/contract.js';

export type FakeOrchestrator = OrchestratorHandle & {
  commands: OperatorCommand[];
  /** What was written into the audit. */
  audited: AuditEntry[];
  /** Who asked for them. */
  requesters: (string | undefined)[];
  /** What every command is answered with. */
  result: CommandResult | Promise<CommandResult>;
  state: OrchestratorState;
  /** The alarms. */
  standing: readonly Alarm[];
  happen(text: string, changes?: Partial<RecordedEntry>): void;
  /** How many listen to what happens. */
  readonly listeners: number;
};

export const testSettings: Settings = defaultSettings({ totalShards: 4 });

export function testNode(id: string, changes: Partial<NodeState> = {}): NodeState {
  return {
    id,
    version: 'v1',
    host: 'host-1',
    pid: 4242,
    instance: null,
    bounds: null,
    connection: {
      kind: 'connected',
      connection: `c-${id}`,
      capabilities: ['heartbeat'],
      since: 1000,
      lastHeardAt: 2000,
    },
    intent: { kind: 'serving' },
    shardReports: [],
    process: null,
    signals: null,
    retained: [],
    missing: [],
    checkpointedAt: 0,
    zone: null,
    joinedAt: 1000,
    restarts: 0,
    ...changes,
  };
}

/** A version that died three times in a row. */
export function testCrashLoop(): CrashLoop {
  const row = { inARow: 3, total: 3, since: 5, lastAt: 9, notBefore: 13 };
  return { version: 'v1', reported: null, wasUp: false, ...row, reason: 'node x exited with code 1' };
}

export function testState(changes: Partial<OrchestratorState> = {}): OrchestratorState {
  return {
    ...initialState(testSettings, 500),
    totalShards: 4,
    graceUntil: null,
    ...changes,
  };
}

/** What operations of all kinds have. */
export function operation(id: string, startedAt: number, by = 'alice') {
  return {
    id,
    parent: null,
    startedAt,
    by,
    request: null,
    cancelled: null,
    stopped: null,
    deadline: null,
    outcomes: [],
  } as const;
}

export function fakeOrchestrator(): FakeOrchestrator {
  const listeners = new Set<(entry: RecordedEntry) => void>();
  const history: RecordedEntry[] = [];
  const fake: FakeOrchestrator = {
    commands: [],
    audited: [],
    requesters: [],
    result: { ok: true, message: 'It is done.' },
    state: testState(),
    address: '127.0.0.1:7447',
    start: async () => undefined,
    close: async () => undefined,
    async command(command, by) {
      if (command.kind === 'recordRequest') {
        fake.audited.push(command.entry);
        return { ok: true, message: 'It is recorded.' };
      }
      fake.commands.push(command);
      fake.requesters.push(by);
      return fake.result;
    },
    deployedVersion: async () => ({ ok: true, message: 'v2' }),
    pullNewVersion: async () => fake.result,
    history: () => [...history],
    pastEntries: async (after, limit) =>
      after === null ? history.slice(-limit) : history.filter(({ id }) => id > after).slice(0, limit),
    store: { name: 'none', epoch: 0, state: 'open', since: 500, problem: null },
    ledger: new Ledger(METRICS),
    figures: () => ({
      connections: { byPhase: { unidentified: 0, identified: 0, refused: 0, closing: 0 }, queuedBytes: new Map() },
      violations: {},
      waitingEvents: 0,
    }),
    alarms: () => fake.standing,
    standing: [],
    lost: new Promise(() => undefined),
    get listeners() {
      return listeners.size;
    },
    onEntry(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    happen(text, changes = {}) {
      const entry: RecordedEntry = {
        id: (history.at(-1)?.id ?? 0) + 1,
        at: 1000,
        name: 'nodeJoined',
        level: 'info',
        by: 'automatic',
        text,
        fields: {},
        ...changes,
      };
      history.push(entry);
      for (const listener of listeners) listener(entry);
    },
  };
  return fake;
}

/** A rollout of v2 that has moved nothing yet. */
export function rolloutData(changes: Partial<OperationData['rollout']> = {}): OperationData['rollout'] {
  return {
    origins: [],
    destinations: [],
    options: {
      bake: 60_000,
      canary: null,
      surge: null,
      fast: false,
      manual: false,
      force: false,
      to: null,
      keepOld: 0,
    },
    version: 'v2',
    from: 'v1',
    phase: 'surging',
    since: 1,
    waiting: [],
    pairs: [],
    empty: [],
    done: [],
    leftAlone: [],
    stages: [],
    stage: 0,
    moved: [],
    movedBefore: 0,
    retried: [],
    counters: [],
    memory: [],
    normal: null,
    failure: null,
    pausedBy: null,
    promoted: false,
    ...changes,
  };
}
