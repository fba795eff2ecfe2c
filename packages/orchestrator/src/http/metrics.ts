/** `GET /metrics`: what is read at a scrape, and what is counted of the REST interface itself. */
import { CONTRACT, ENDPOINT_NAMES } from '@dshard/api';
import { wallClockAheadMs } from '@dshard/transport';
import type { FastifyInstance } from 'fastify';
import { shardsNotUp } from '../domain/shards/condition.js';
import { CONTENT_TYPES, expose, expositionFor } from '../metrics/exposition.js';
import { Ledger, type Metrics } from '../metrics/ledger.js';
import type { Look, OwnLook } from '../metrics/metric.js';
import { METRICS } from '../metrics/metrics.js';
import { OWN_METRICS } from '../metrics/own-metrics.js';
import type { Reply } from './answers.js';
import type { Surroundings } from './handler.js';
import { shardsByNode } from './shards-by-node.js';

/** @param accept what whoever asks can read. */
export function metricsAnswer(surroundings: Surroundings, accept: string | undefined): Reply<string> {
  return answerOf(METRICS, surroundings.orchestrator.ledger, lookAt(surroundings), accept);
}

/** Of an orchestrator that waits for its turn. */
export function standbyMetrics(look: OwnLook, accept: string | undefined): Required<Reply<string>> {
  return answerOf(OWN_METRICS, new Ledger(OWN_METRICS), look, accept);
}

function answerOf<Seen>(
  metrics: Metrics<Seen>,
  ledger: Ledger,
  look: Seen,
  accept: string | undefined,
): Required<Reply<string>> {
  const exposition = expositionFor(accept);
  const headers = { 'content-type': CONTENT_TYPES[exposition] };
  return { status: 200, body: expose(metrics, ledger, look, exposition), headers };
}

function lookAt({ orchestrator, clock, version, streams, ownProcess }: Surroundings): Look {
  const { state, store } = orchestrator;
  const now = clock.now();
  return {
    now,
    wallClockAheadMs: wallClockAheadMs(clock),
    version,
    leads: store.state !== 'lost',
    process: ownProcess.figures(),
    state,
    store,
    alarms: orchestrator.alarms(),
    ...orchestrator.figures(),
    eventStreams: streams.count,
    notUp: shardsNotUp(state, now),
    shardsByNode: shardsByNode(state),
  };
}

/** Counts answers by what was asked. */
export function countAnswers(app: FastifyInstance, ledger: Ledger): void {
  const entries = new Map<string, string>();
  for (const name of ENDPOINT_NAMES) {
    const { method, path, alsoAt } = CONTRACT[name];
    for (const url of alsoAt === undefined ? [path] : [path, alsoAt]) entries.set(`${method} ${url}`, name);
  }
  app.addHook('onResponse', async ({ method, routeOptions: { url } }, { statusCode }) => {
    const entry = entries.get(`${method === 'HEAD' ? 'GET' : method} ${url}`) ?? 'none';
    ledger.request({ entry, status: statusCode });
  });
}
