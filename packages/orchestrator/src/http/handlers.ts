/**
 * What the orchestrator does for each entry of the contract (@dshard/api). Where an entry is asked and what it takes is
 * said there; the routes are made from both.
 */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { OPERATION_KINDS } from '@dshard/api';
import type { Answer, Answers, DryRun, HistoryEntry, OperationKind, StartedOperation, Takes } from '@dshard/api';
import { isPrintable } from '@dshard/protocol';
import { wallClockAheadMs } from '@dshard/transport';
import type { OperatorCommand } from '../domain/state/commands.js';
import type { OperationPlan } from '../domain/state/operations.js';
import { ACCESS_HANDLERS } from './access-handlers.js';
import { ancestorStatus } from './ancestor-status.js';
import { failed, replyTo, type Reply } from './answers.js';
import { callCommand, reportOf } from './calls.js';
import { openEventStream } from './event-stream.js';
import { found, type Asked, type Handled, type Handler, type Handlers, type Surroundings } from './handler.js';
import { LIST_HANDLERS } from './list-handlers.js';
import { metricsAnswer } from './metrics.js';
import { operationsOf } from './operation-status.js';
import { readParameters } from './parameters.js';
import { healthOf, readinessOf } from './probes.js';
import { SESSION_HANDLERS } from './session-handlers.js';
import { statusV1 } from './v1-status.js';
import { inWallTime } from './wall-time.js';

export const HANDLERS: Handlers = {
  ...LIST_HANDLERS,
  ...ACCESS_HANDLERS,
  ...SESSION_HANDLERS,
  startNode: command(() => ({ kind: 'startNode' })),
  shutdownNode: command(({ node_id: node, now }) => ({ kind: 'shutdownNode', node, now })),
  migrateShard: command(({ shard, destination_node: destination }) => ({ kind: 'migrateShard', shard, destination })),
  migrateNode: command(({ origin_node: origin, destination_node: destination, shutdown }) => ({
    kind: 'startOperation',
    plan: { kind: 'drain', origins: [origin], destination, shutdown, deadline: null },
    answer: 'ended',
  })),
  rollout: command(() => ({ kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' })),
  startOperation,
  cancelOperation: command(({ id: operation }) => ({ kind: 'cancelOperation', operation })),
  pauseRollout: command(() => ({ kind: 'steerRollout', action: 'pause' })),
  resumeRollout: command(() => ({ kind: 'steerRollout', action: 'resume' })),
  undoRollout: command(() => ({ kind: 'steerRollout', action: 'undo' })),
  startShards: command(({ node, shards }) => ({ kind: 'startShards', node, shards })),
  stopShard: command(({ shard }) => ({ kind: 'stopShard', shard })),
  parkShard: command(({ shard }) => ({ kind: 'parkShard', shard })),
  takeOver: command(({ node }) => ({ kind: 'takeOverNode', node })),
  unquarantine: command(({ shards }) => ({ kind: 'unquarantine', shards })),
  cordonNode: nodeOrHost('cordonNode', 'cordonHost'),
  uncordonNode: nodeOrHost('uncordonNode', 'uncordonHost'),
  allowIdentifies: command(({ count }) => ({ kind: 'allowIdentifies', count })),
  call: async ({ values, by, meta }, { orchestrator }) =>
    reportOf(await orchestrator.command(callCommand(values), by, meta)),
  deployedVersion: async (_, { orchestrator }) => replyTo(await orchestrator.deployedVersion()),
  pullNewVersion: async (_, { orchestrator }) => replyTo(await orchestrator.pullNewVersion()),

  operations: (_, { orchestrator, clock }) => found(inWallTime(operationsOf(orchestrator.state, clock.now()), clock)),
  status: (_, { orchestrator, clock, version }) =>
    found(
      inWallTime(
        statusV1(orchestrator.state, {
          version,
          now: clock.now(),
          store: orchestrator.store,
          alarms: orchestrator.alarms(),
          ledger: orchestrator.ledger,
        }),
        clock,
      ),
    ),
  ancestorStatus: (_, { orchestrator, clock }) => found(ancestorStatus(orchestrator.state, wallClockAheadMs(clock))),
  events: answerEvents,
  live: answerLive,
  health: (_, { orchestrator, clock }) => found(inWallTime(healthOf(orchestrator, clock.now()), clock)),
  metrics: ({ request }, surroundings) => metricsAnswer(surroundings, request.headers.accept),
  healthz: () => found({ ok: true }),
  livez: () => found({ ok: true }),
  readyz: ({ identity }, { orchestrator, clock }) => {
    const { ready, ...detail } = inWallTime(readinessOf(orchestrator, clock.now()), clock);
    return { status: ready ? 200 : 503, body: { ready, ...(identity !== null && detail) } };
  },
};

/** Answers when the command is done, however long that takes; a client that hangs up does not cancel it. */
function command<Values>(commandOf: (values: Values) => OperatorCommand): Handler<Values, Answer> {
  return async ({ values, by, meta }, { orchestrator }) =>
    replyTo(await orchestrator.command(commandOf(values), by, meta));
}

type OneOf = { readonly node: string | null; readonly host: string | null };

function nodeOrHost(
  ofNode: 'cordonNode' | 'uncordonNode',
  ofHost: 'cordonHost' | 'uncordonHost',
): Handler<OneOf, Answer> {
  return async ({ values: { node, host }, by, meta }, { orchestrator }) => {
    if (node !== null && host === null) return replyTo(await orchestrator.command({ kind: ofNode, node }, by, meta));
    if (node === null && host !== null) return replyTo(await orchestrator.command({ kind: ofHost, host }, by, meta));
    return failed('DSO_PARAMETER_INVALID', 'Name either a "node" or a "host".');
  };
}

/** Answers when it has begun; what its kind takes is read here, where the kind is known. */
async function startOperation(
  { values: { kind, dryRun }, by, request, identity, meta }: Asked<Takes<'startOperation'>>,
  { orchestrator }: Surroundings,
): Promise<Handled<StartedOperation>> {
  const read = readPlan(kind, request);
  if (!read.ok) return failed('DSO_PARAMETER_INVALID', read.message, { parameters: read.parameters });
  const { plan } = read;
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (Array.isArray(key) || !isKey(key))) {
    return failed('DSO_REQUEST_INVALID', 'The header Idempotency-Key must be 1 to 200 printable characters.');
  }
  const once = key === undefined ? {} : { once: onceOf(`${identity?.name ?? ''} ${key}`, plan) };
  const asked = dryRun
    ? ({ kind: 'planOperation', plan } as const)
    : ({ kind: 'startOperation', plan, answer: 'begun', ...once } as const);
  const result = await orchestrator.command(asked, by, meta);
  if (!result.ok) return replyTo(result);
  const would = result.data?.['dryRun'] as DryRun | undefined;
  if (would !== undefined) {
    return { status: 200, body: { Message: result.message, Error: false, operation: null, dryRun: would } };
  }
  const operation = result.data?.['operation'];
  return typeof operation === 'string'
    ? { status: 202, body: { Message: result.message, Error: false, operation } }
    : { status: 200, body: { Message: result.message, Error: false, operation: null } };
}

function isKey(key: string): boolean {
  return key.length > 0 && key.length <= 200 && isPrintable(key);
}

/** The same key of another token is another key; as a hash, so that every key fits. */
function onceOf(key: string, plan: OperationPlan): { key: string; fingerprint: string } {
  const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');
  return { key: hash(key), fingerprint: hash(JSON.stringify(plan)) };
}

function readPlan(
  kind: OperationKind,
  { query, body }: FastifyRequest,
): { ok: true; plan: OperationPlan } | { ok: false; message: string; parameters: readonly string[] } {
  const read = readParameters<object>(OPERATION_KINDS[kind].parameters, query, body);
  return read.ok ? { ok: true, plan: { kind, ...read.values } as OperationPlan } : read;
}

/** A stream for those who ask for one, JSON for all others. */
async function answerEvents(
  { values: { after, limit }, request, reply, identity }: Asked<Takes<'events'>>,
  { orchestrator, streams, access }: Surroundings,
): Promise<Handled<readonly HistoryEntry[]>> {
  if (!accepts(request, 'text/event-stream')) {
    // An id that was not reached yet is of an earlier run that kept nothing: then all is new.
    const newest = orchestrator.history().at(-1)?.id ?? 0;
    return found(await orchestrator.pastEntries(after !== null && after > newest ? null : after, limit));
  }
  const isStillAllowed = (): boolean => identity !== null && access.isStillKnown(identity);
  if (!openEventStream(reply.raw, { after: after ?? 0, isStillAllowed }, { orchestrator, streams })) return tooMany();
  reply.hijack();
  return null;
}

/** The same: a stream for those who ask for one. */
function answerLive(
  { request, reply, identity }: Asked<object>,
  { live, access }: Surroundings,
): Handled<Answers<'live'>> {
  if (!accepts(request, 'text/event-stream')) return found(live.snapshot());
  const isStillAllowed = (): boolean => identity !== null && access.isStillKnown(identity);
  const lastId = request.headers['last-event-id'];
  if (!live.open(reply.raw, { lastId: typeof lastId === 'string' ? lastId : null, isStillAllowed })) return tooMany();
  reply.hijack();
  return null;
}

function tooMany(): Reply<Answer> {
  return failed('DSO_TOO_MANY_STREAMS', 'Too many event streams are open already: close one, then try again.');
}

function accepts({ headers }: FastifyRequest, type: string): boolean {
  return (headers.accept ?? '').split(',').some((entry) => entry.split(';')[0]?.trim() === type);
}
