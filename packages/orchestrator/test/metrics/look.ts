import { Ledger } from '../../src/metrics/ledger.js';
import type { Look } from '../../src/metrics/metric.js';
import { METRICS } from '../../src/metrics/metrics.js';
import { expose } from '../../src/metrics/exposition.js';
import { shardsNotUp } from '../../src/domain/shards/condition.js';
import { upLink } from '../../src/domain/state/shard-link.js';
import type { OrchestratorState } from '../../src/domain/state/state.js';
import { testNode, testState } from '../http/fake-orchestrator.js';

/** A fleet with one node that says all that nodes can say. */
export function busyState(): OrchestratorState {
  const node = testNode('web-1', {
    shardReports: [{ shardId: 0, phase: 'ready', pingMs: 40, guilds: 7, events: 3, session: null }],
    process: { memoryBytes: 5, cpuPercent: 250, eventLoopDelayMs: 20, uptimeMs: 9_000 },
    signals: {
      health: { ok: true, reason: null },
      selfTest: 'none',
      selfTestReason: null,
      events: 11,
      handlerErrors: 2,
      handlerMs: 1_500,
      eventLoopDelayMs: 30,
      memoryBytes: 5,
      resumesRefused: 1,
      importsFailed: 0,
    },
  });
  const away = testNode('web-2', {
    connection: { kind: 'disconnected', since: 0, gone: false },
    process: node.process,
  });
  return testState({
    nodes: new Map([node, away].map((each) => [each.id, each])),
    gateway: { kind: 'known', at: 1, recommendedShards: 4 },
    shards: [
      { kind: 'running', node: 'web-1', since: 600, link: upLink('web-1', 600) },
      { kind: 'vacant', since: 700, notBefore: 0, known: null },
      { kind: 'vacant', since: 800, notBefore: 0, known: null },
      { kind: 'unreachable', node: 'web-2', since: 900, known: null, checkpoint: null },
    ],
    assignments: [],
  });
}

export function lookOn(state: OrchestratorState, changes: Partial<Look> = {}): Look {
  const now = 10_000;
  return {
    now,
    wallClockAheadMs: 0,
    version: '9.9.9',
    leads: true,
    process: { memoryBytes: 1, heapBytes: 2, cpuSeconds: 3, eventLoopDelayMs: 4, startedAt: 5_000 },
    state,
    store: { name: 'none', epoch: 0, state: 'open', since: 500, problem: null },
    alarms: [],
    connections: {
      byPhase: { unidentified: 0, identified: 1, refused: 0, closing: 0 },
      queuedBytes: new Map([['c-web-1', 77]]),
    },
    violations: { DSO_FIELD_RANGE: 3 },
    waitingEvents: 0,
    eventStreams: 0,
    notUp: shardsNotUp(state, now),
    shardsByNode: new Map([['web-1', [0]]]),
    ...changes,
  };
}

export function exposed(look: Look = lookOn(busyState()), { ledger = new Ledger(METRICS) } = {}): string {
  return expose(METRICS, ledger, look, 'prometheus');
}

/** The samples of a text, by name with labels. */
export function samplesIn(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}
