/** The metrics of what the orchestrator does for others: control connections, the store, the REST interface. */
import type { Metrics } from './ledger.js';
import { NO_LABELS, ONE_ZERO, seconds } from './metric.js';

const COMMIT_BOUNDS: readonly number[] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_BOUNDS: readonly number[] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const STORE_STATES = ['open', 'suspended', 'lost', 'closed'] as const;

export const SERVICE_METRICS: Metrics = {
  dso_control_connections: {
    kind: 'gauge',
    help: 'Connections to the port for nodes: unidentified (not let in yet), identified, refused (waiting for their close), closing.',
    labels: ['phase'],
    read: ({ connections: { byPhase } }) => Object.entries(byPhase).map(([phase, number]) => [number, phase]),
  },
  dso_control_send_queue_bytes: {
    kind: 'gauge',
    help: 'What the orchestrator has to send to all nodes, and they have not taken yet.',
    labels: NO_LABELS,
    read: ({ connections: { queuedBytes } }) => [[[...queuedBytes.values()].reduce((sum, bytes) => sum + bytes, 0)]],
  },
  dso_protocol_violations_total: {
    kind: 'counter',
    help: 'Connections that were refused or closed for a broken rule, and messages that did not fit, by code.',
    labels: ['code'],
    read: ({ violations }) => Object.entries(violations).map(([code, number]) => [number, code]),
  },
  dso_waiting_events: {
    kind: 'gauge',
    help: 'What nodes, operators and processes have said, and the orchestrator has not decided on yet.',
    labels: NO_LABELS,
    read: ({ waitingEvents }) => [[waitingEvents]],
  },
  dso_calls_running: {
    kind: 'gauge',
    help: 'Fleet calls under way.',
    labels: NO_LABELS,
    read: ({ state }) => [[state.calls.size]],
  },
  dso_store_state: {
    kind: 'gauge',
    help: '1 for the state that the store is in. `suspended`: it cannot be written, and nothing is decided.',
    labels: ['state'],
    read: ({ store }) => STORE_STATES.map((state) => [store.state === state ? 1 : 0, state]),
  },
  dso_store_commits_total: {
    kind: 'counter',
    help: 'Commits of the store, by outcome.',
    labels: ['outcome'],
    zeros: [['done'], ['failed']],
    on: { commit: ({ ok }) => [[1, ok ? 'done' : 'failed']] },
  },
  dso_store_commit_seconds: {
    kind: 'histogram',
    help: 'How long a commit of the store took.',
    labels: NO_LABELS,
    bounds: COMMIT_BOUNDS,
    zeros: ONE_ZERO,
    on: { commit: ({ ms }) => [[seconds(ms)]] },
  },
  dso_store_commit_writes: {
    kind: 'histogram',
    help: 'How many records a commit wrote: decisions that wait are made durable together.',
    labels: NO_LABELS,
    bounds: BATCH_BOUNDS,
    zeros: ONE_ZERO,
    on: { commit: ({ writes }) => [[writes]] },
  },
  dso_store_commit_entries: {
    kind: 'histogram',
    help: 'How many entries of the history a commit wrote.',
    labels: NO_LABELS,
    bounds: BATCH_BOUNDS,
    zeros: ONE_ZERO,
    on: { commit: ({ entries }) => [[entries]] },
  },
  dso_http_requests_total: {
    kind: 'counter',
    help: 'Answers of the REST interface, by entry of its contract and status. Entry `none`: refused before it was known what was asked.',
    labels: ['entry', 'status'],
    zeros: [],
    on: { request: ({ entry, status }) => [[1, entry, String(status)]] },
  },
  dso_event_streams: {
    kind: 'gauge',
    help: 'Event streams that are open.',
    labels: NO_LABELS,
    read: ({ eventStreams }) => [[eventStreams]],
  },
};
