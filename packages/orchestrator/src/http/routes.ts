/** The endpoints. What each operation takes is in `operations.ts`; who may call is in `access.ts`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '@dshard/transport';
import { wholeNumber } from '../config/field.js';
import type { OrchestratorHandle } from '../runtime/contract.js';
import { failed, replyTo, type Reply } from './answers.js';
import { ancestorStatus } from './ancestor-status.js';
import { readCall, reportOf } from './calls.js';
import type { EventStreams } from './event-stream.js';
import { operationOf, operationsOf } from './operation-status.js';
import { OPERATIONS } from './operations.js';
import { readParameters } from './parameters.js';
import { requesterOf } from './requester.js';
import { statusV1 } from './v1-status.js';

export type RouteOptions = {
  orchestrator: OrchestratorHandle;
  clock: Clock;
  streams: EventStreams;
  /** The orchestrator's own version. */
  version: string;
};

export function addRoutes(app: FastifyInstance, { orchestrator, clock, streams, version }: RouteOptions): void {
  // Operations answer when they are done, however long that takes; a client that hangs up does not cancel them.
  for (const operation of OPERATIONS) {
    app.post(operation.path, async (request, reply) => {
      const read = operation.read(request.query, request.body);
      if (!read.ok) return send(reply, failed(400, read.message));
      return send(reply, replyTo(await orchestrator.command(read.command, requesterOf(request))));
    });
  }
  app.post('/v1/call', async (request, reply) => {
    const read = readCall(request.query, request.body);
    if (!read.ok) return send(reply, failed(400, read.message));
    const { status, body } = reportOf(await orchestrator.command(read.command, requesterOf(request)));
    return reply.code(status).send(body);
  });
  app.get('/v1/operations', () => operationsOf(orchestrator.state));
  app.get<{ Params: { id: string } }>('/v1/operations/:id', (request, reply) => {
    const operation = operationOf(orchestrator.state, request.params.id);
    return operation ?? send(reply, failed(404, `There is no operation "${request.params.id}".`));
  });
  app.post<{ Params: { id: string } }>('/v1/operations/:id/cancel', async (request, reply) => {
    const command = { kind: 'cancelOperation', operation: request.params.id } as const;
    return send(reply, replyTo(await orchestrator.command(command, requesterOf(request))));
  });
  app.get('/deployedversion', async (_request, reply) => send(reply, replyTo(await orchestrator.deployedVersion())));
  app.post('/pullnewversion', async (_request, reply) => send(reply, replyTo(await orchestrator.pullNewVersion())));

  app.get('/status', () => ancestorStatus(orchestrator.state));
  app.get('/v1/status', () => statusV1(orchestrator.state, { version, now: clock.now(), store: orchestrator.store }));
  app.get('/healthz', () => ({ ok: true }));
  // Without HEAD: a stream that sends nothing would stay open for nobody.
  app.get('/v1/events', { exposeHeadRoute: false }, async (request, reply) => {
    const read = readPlace(request);
    if (!read.ok) return send(reply, failed(400, read.message));
    const { after, limit } = read.values;
    if (!accepts(request, 'text/event-stream')) {
      // An id that was not reached yet is of an earlier run that kept nothing: then all is new.
      const newest = orchestrator.history().at(-1)?.id ?? 0;
      return orchestrator.pastEntries(after !== null && after > newest ? null : after, limit);
    }
    if (!streams.open(reply.raw, after ?? 0)) {
      return send(reply, failed(503, 'Too many event streams are open already: close one, then try again.'));
    }
    return reply.hijack();
  });
}

const MAX_PAGE = 10_000;
const DEFAULT_PAGE = 2_000;

type Place = { after: number | null; limit: number };

/** The last event the client knows: `Last-Event-ID` of an EventSource that came back, or `after`. */
function readPlace(request: FastifyRequest): ReturnType<typeof readParameters<Place>> {
  const lastEventId = request.headers['last-event-id'];
  const known = lastEventId === undefined || lastEventId === '' ? {} : { after: lastEventId };
  return readParameters<Place>(
    {
      after: { field: wholeNumber({ min: 0 }), fallback: null },
      limit: { field: wholeNumber({ min: 1, max: MAX_PAGE }), fallback: DEFAULT_PAGE },
    },
    request.query,
    known,
  );
}

function accepts(request: FastifyRequest, type: string): boolean {
  return (request.headers.accept ?? '').split(',').some((entry) => entry.split(';')[0]?.trim() === type);
}

function send(reply: FastifyReply, { status, body }: Reply): FastifyReply {
  return reply.code(status).send(body);
}
