/** The metrics of the orchestrator's own process: a standby has them as well. */
import type { Metrics } from './ledger.js';
import { NO_LABELS, seconds, type OwnLook } from './metric.js';

export const OWN_METRICS: Metrics<OwnLook> = {
  dso_build_info: {
    kind: 'gauge',
    help: 'Always 1; the labels say which version of the orchestrator runs, and on which version of Node.js.',
    labels: ['version', 'node_version'],
    read: ({ version }) => [[1, version, process.version]],
  },
  dso_leader: {
    kind: 'gauge',
    help: '1: this orchestrator leads. 0: it is a standby, or another one has taken over. The sum over all is 1.',
    labels: NO_LABELS,
    read: ({ leads }) => [[leads ? 1 : 0]],
  },
  dso_process_resident_memory_bytes: {
    kind: 'gauge',
    help: 'Memory of the orchestrator (resident set size).',
    labels: NO_LABELS,
    read: ({ process: { memoryBytes } }) => [[memoryBytes]],
  },
  dso_process_heap_bytes: {
    kind: 'gauge',
    help: 'JavaScript heap of the orchestrator that is in use.',
    labels: NO_LABELS,
    read: ({ process: { heapBytes } }) => [[heapBytes]],
  },
  dso_process_cpu_seconds_total: {
    kind: 'counter',
    help: 'CPU time that the orchestrator has used, user and system.',
    labels: NO_LABELS,
    read: ({ process: { cpuSeconds } }) => [[cpuSeconds]],
  },
  dso_process_event_loop_delay_seconds: {
    kind: 'gauge',
    help: 'How late the event loop of the orchestrator comes to what is due: the 99th percentile of the last seconds.',
    labels: NO_LABELS,
    read: ({ process: { eventLoopDelayMs } }) => [[seconds(eventLoopDelayMs)]],
  },
  dso_process_start_time_seconds: {
    kind: 'gauge',
    help: 'When the orchestrator started, in seconds since the Unix epoch.',
    labels: NO_LABELS,
    read: ({ process: { startedAt } }) => [[seconds(startedAt)]],
  },
};
