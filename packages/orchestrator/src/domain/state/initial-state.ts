/** The state of an orchestrator that knows nothing yet but its settings. */
import { NO_BALANCE } from './balance.js';
import { firstEpoch } from './epochs.js';
import type { Settings } from './settings.js';
import type { OrchestratorState } from './state.js';
import { NO_ROLLOUTS } from './versions.js';

export function initialState(settings: Settings, now: number): OrchestratorState {
  const epoch = firstEpoch(now);
  return {
    settings,
    startedAt: now,
    epoch,
    totalShards: null,
    graceUntil: now + settings.startupGraceMs,
    awaitedNodes: settings.expectedNodes,
    recalled: false,
    gateway: { kind: 'notAsked' },
    shards: [],
    assignments: [],
    nodes: new Map(),
    hosts: new Map(),
    connections: new Map(),
    migrations: new Map(),
    staleTransfers: 0,
    waitingMigrations: [],
    startRequests: new Map(),
    operations: new Map(),
    endedOperations: [],
    unplaced: new Map(),
    crashRecords: new Map(),
    alarm: null,
    raisedAlarms: new Map(),
    takenIds: new Map(),
    launches: new Map(),
    unanswered: new Map(),
    processes: new Map(),
    crashLoops: new Map(),
    versionHealth: new Map(),
    deployedVersion: '',
    rollouts: NO_ROLLOUTS,
    availableBytes: null,
    botBlame: null,
    identifies: {
      maxConcurrency: 1,
      keys: {},
      waiting: [],
      budget: null,
      ledger: { used: 0, until: 0 },
      allowed: 0,
      unsure: 0,
      shortSince: null,
    },
    balance: NO_BALANCE,
    scaledTo: null,
    jobs: new Map(),
    apiTokens: new Map(),
    audit: new Map(),
    rememberedRequests: new Map(),
    calls: new Map(),
    nextCall: 1,
    ending: null,
    nextId: 1,
    nextEpoch: epoch + 1,
    wakeAt: null,
  };
}
