/**
 * What the orchestrator does for each entry of the contract (@dshard/api). Where an entry is asked and what it takes is
 * said there; the routes are made from both.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OPERATION_KINDS } from '@dshard/api';
import type {
  Answer,
  Answers,
  DryRun,
  EndpointName,
  HistoryEntry,
  OperationKind,
  StartedOperation,
  Takes,
} from '@dshard/api';
import { wallClockAheadMs, type Clock } from '@dshard/transport';
import type { OperatorCommand } from '../domain/state/commands.js';
import type { OperationPlan } from '../domain/state/operations.js';
import type { OrchestratorHandle } from '../runtime/contract.js';
import { ancestorStatus } from './ancestor-status.js';
import { failed, replyTo, type Reply } from './answers.js';
import { callCommand, reportOf } from './calls.js';
import type { EventStreams } from './event-stream.js';
import { operationOf, operationsOf } from './operation-status.js';
import { readParameters } from './parameters.js';
import { healthOf, listedShards, readinessOf } from './probes.js';
import { statusV1 } from './v1-status.js';
import { inWallTime } from './wall-time.js';

export type Surroundings = {
  readonly orchestrator: OrchestratorHandle;
  readonly clock: Clock;
  readonly streams: EventStreams;
  /** The orchestrator's own version. */
  readonly version: string;
  /** Whether the request comes from somebody who may know more than that there is an orchestrator. */
  knowsToken(this: void, request: FastifyRequest): boolean;
};

/** A request whose parameters were read. `by` is who asks, as the history is to name them. */
type Asked<Values> = {
  readonly values: Values;
  readonly by: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
};

/** Whatever an entry answers, what went wrong is told as an `Answer`. null: the handler took the response over. */
type Handled<Body> = Reply<Body> | Reply<Answer> | null;

export type Handler<Values, Body> = (
  asked: Asked<Values>,
  surroundings: Surroundings,
) => Handled<Body> | Promise<Handled<Body>>;

export type Handlers = { readonly [Name in EndpointName]: Handler<Takes<Name>, Answers<Name>> };

export const HANDLERS: Handlers = {
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
  call: async ({ values, by }, { orchestrator }) => reportOf(await orchestrator.command(callCommand(values), by)),
  deployedVersion: async (_, { orchestrator }) => replyTo(await orchestrator.deployedVersion()),
  pullNewVersion: async (_, { orchestrator }) => replyTo(await orchestrator.pullNewVersion()),

  operations: (_, { orchestrator, clock }) => found(inWallTime(operationsOf(orchestrator.state, clock.now()), clock)),
  operation: ({ values: { id } }, { orchestrator, clock }) => {
    const operation = operationOf(orchestrator.state, id, clock.now());
    return operation === undefined
      ? failed(404, `There is no operation "${id}".`)
      : found(inWallTime(operation, clock));
  },
  status: (_, { orchestrator, clock, version }) =>
    found(
      inWallTime(
        statusV1(orchestrator.state, {
          version,
          now: clock.now(),
          store: orchestrator.store,
          alarms: orchestrator.alarms(),
        }),
        clock,
      ),
    ),
  ancestorStatus: (_, { orchestrator, clock }) => found(ancestorStatus(orchestrator.state, wallClockAheadMs(clock))),
  events: answerEvents,
  shards: ({ values: { condition } }, { orchestrator, clock }) => {
    const now = clock.now();
    return found(inWallTime({ now, shards: listedShards(orchestrator.state, condition, now) }, clock));
  },
  health: (_, { orchestrator, clock }) => found(inWallTime(healthOf(orchestrator, clock.now()), clock)),
  healthz: () => found({ ok: true }),
  livez: () => found({ ok: true }),
  readyz: ({ request }, { orchestrator, clock, knowsToken }) => {
    const { ready, ...detail } = inWallTime(readinessOf(orchestrator, clock.now()), clock);
    return { status: ready ? 200 : 503, body: { ready, ...(knowsToken(request) && detail) } };
  },
};

/** Answers when the command is done, however long that takes; a client that hangs up does not cancel it. */
function command<Values>(commandOf: (values: Values) => OperatorCommand): Handler<Values, Answer> {
  return async ({ values, by }, { orchestrator }) => replyTo(await orchestrator.command(commandOf(values), by));
}

type OneOf = { readonly node: string | null; readonly host: string | null };

function nodeOrHost(
  ofNode: 'cordonNode' | 'uncordonNode',
  ofHost: 'cordonHost' | 'uncordonHost',
): Handler<OneOf, Answer> {
  return async ({ values: { node, host }, by }, { orchestrator }) => {
    if (node !== null && host === null) return replyTo(await orchestrator.command({ kind: ofNode, node }, by));
    if (node === null && host !== null) return replyTo(await orchestrator.command({ kind: ofHost, host }, by));
    return failed(400, 'Name either a "node" or a "host".');
  };
}

/** Answers when it has begun; what its kind takes is read here, where the kind is known. */
async function startOperation(
  { values: { kind, dryRun }, by, request }: Asked<Takes<'startOperation'>>,
  { orchestrator }: Surroundings,
): Promise<Handled<StartedOperation>> {
  const read = readPlan(kind, request);
  if (!read.ok) return failed(400, read.message);
  const { plan } = read;
  const asked = dryRun
    ? ({ kind: 'planOperation', plan } as const)
    : ({ kind: 'startOperation', plan, answer: 'begun' } as const);
  const result = await orchestrator.command(asked, by);
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

function readPlan(
  kind: OperationKind,
  { query, body }: FastifyRequest,
): { ok: true; plan: OperationPlan } | { ok: false; message: string } {
  const read = readParameters<object>(OPERATION_KINDS[kind].parameters, query, body);
  return read.ok ? { ok: true, plan: { kind, ...read.values } as OperationPlan } : read;
}

function found<Body>(body: Body): Reply<Body> {
  return { status: 200, body };
}

/** A stream for those who ask for one, JSON for all others. */
async function answerEvents(
  { values: { after, limit }, request, reply }: Asked<Takes<'events'>>,
  { orchestrator, streams }: Surroundings,
): Promise<Handled<readonly HistoryEntry[]>> {
  if (!accepts(request, 'text/event-stream')) {
    // An id that was not reached yet is of an earlier run that kept nothing: then all is new.
    const newest = orchestrator.history().at(-1)?.id ?? 0;
    return found(await orchestrator.pastEntries(after !== null && after > newest ? null : after, limit));
  }
  if (!streams.open(reply.raw, after ?? 0)) {
    return failed(503, 'Too many event streams are open already: close one, then try again.');
  }
  reply.hijack();
  return null;
}

function accepts({ headers }: FastifyRequest, type: string): boolean {
  return (headers.accept ?? '').split(',').some((entry) => entry.split(';')[0]?.trim() === type);
}
