/**
 * What must not be forgotten, as keyed plain data: one record per thing. `value` null means that there is none.
 *
 *     fleet/total         how many shards there are
 *     fleet/ids           the sources of ids and epochs
 *     fleet/identifies    Discord's max_concurrency, what is left of the session starts, and what we used of them
 *     identify/<key>      who holds the permit of a key, and when the key is free again
 *     shard/<id>          the one node that may run the shard, under which epoch, and the session it can be resumed with; none: nobody
 *                         ever had it
 *     node/<id>           what was last known of a node that may live, and what is to become of it
 *     operation/<id>      an operation under way, or how it ended (`operation-records.ts`)
 *     crash/<shard>       the crashes it has to answer for, and whether it is quarantined
 *     job/<name>          when the latest run of a job that runs once per fleet was due
 *
 * The owner in a shard's record is always exactly one: the origin of a migration until its point of no return, the
 * destination from then on. That record is durable before the message that makes it true is sent, so whoever is not in it
 * was never told to run the shard.
 */
import type { GatewaySession } from '@dshard/protocol';
import type { KnownSession } from '../state/commands.js';
import { assignmentOf } from '../state/epochs.js';
import { ownerOf } from '../state/migrations.js';
import type {
  IdentifyBudget,
  MigrationState,
  NodeState,
  OrchestratorState,
  ShardState,
  CrashRecord,
  Assignment,
} from '../state/state.js';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** `value` null: the record is deleted. */
export type Write = { readonly kind: RecordKind; readonly key: string; readonly value: JsonValue };

export type RecordKind = 'fleet' | 'identify' | 'shard' | 'node' | 'operation' | 'crash' | 'job';

export function totalRecord({ totalShards }: OrchestratorState): JsonValue {
  return totalShards === null ? null : { totalShards };
}

export function idsRecord({ nextId, nextEpoch }: OrchestratorState): JsonValue {
  return { nextId, nextEpoch };
}

export function identifiesRecord({ identifies }: OrchestratorState): JsonValue {
  const { maxConcurrency, budget, ledger, allowed } = identifies;
  return { maxConcurrency, budget, ledger, allowed };
}

export function keyRecord(entry: IdentifyBudget['keys'][number] | undefined): JsonValue {
  return entry === undefined ? null : { holder: entry.holder, freeAt: entry.freeAt };
}

export function shardRecord(state: OrchestratorState, id: number): JsonValue {
  const shard = state.shards[id];
  const assignment = assignmentOf(state, id);
  switch (shard?.kind) {
    case undefined:
      return null;
    case 'vacant':
      return vacantRecord(assignment, shard);
    case 'starting':
      // Not sent yet: the node knows nothing of it.
      if (shard.step === 'queued') return vacantRecord(assignment, { ...shard, notBefore: shard.since });
      return heldRecord(assignment, shard.node, shard.known);
    case 'running':
      return heldRecord(assignment, shard.node, null);
    case 'stopping':
      return heldRecord(assignment, shard.node, shard.known);
    case 'unreachable':
      return heldRecord({ ...assignment, checkpoint: shard.checkpoint }, shard.node, shard.known);
    case 'migrating': {
      const migration = state.migrations.get(shard.migration);
      if (migration === undefined) return null;
      const session = closedSession(migration);
      const known = session === null ? null : { session, at: migration.startedAt };
      const checkpoint = known === null ? assignment.checkpoint : null;
      return heldRecord({ ...assignment, checkpoint }, ownerOf(migration), known);
    }
  }
}

/** The session that the origin closed, or is being told to close: until then the origin runs the shard. */
function closedSession({ step }: MigrationState): GatewaySession | null {
  switch (step.kind) {
    case 'closing':
    case 'announcing':
    case 'openingOrigin':
    case 'openingDestination':
    case 'copying':
    case 'warming':
    case 'freezing':
    case 'verifying':
      return null;
    case 'preparing':
    case 'transferring':
    case 'resuming':
      return step.session;
    case 'releasing':
    case 'activating':
      return step.manifest.session;
  }
}

function vacantRecord(
  { epoch }: Assignment,
  { since, notBefore, known }: Pick<Extract<ShardState, { kind: 'vacant' }>, 'since' | 'notBefore' | 'known'>,
): JsonValue {
  if (known === null && notBefore <= since && epoch === 0) return null;
  return { node: null, epoch, since, notBefore, known: sessionRecord(known) };
}

function heldRecord({ epoch, checkpoint, before }: Assignment, node: string, known: KnownSession | null): JsonValue {
  return { node, epoch, before, known: sessionRecord(known), checkpoint: sessionRecord(checkpoint) };
}

/** A sequence beyond 2^53 (base-level peers may send one) is a text. */
function sessionRecord(known: KnownSession | null): JsonValue {
  if (known === null) return null;
  const { sessionId, sequence, resumeGatewayUrl }: GatewaySession = known.session;
  const written = typeof sequence === 'bigint' ? sequence.toString() : sequence;
  return { sessionId, sequence: written, resumeGatewayUrl, at: known.at };
}

export function nodeRecord(node: NodeState | undefined): JsonValue {
  if (node === undefined || (node.connection.kind === 'disconnected' && node.connection.gone)) return null;
  const { version, host, pid, intent } = node;
  const final = intent.kind === 'shuttingDown' && intent.final;
  return { version, host, pid, intent: intent.kind, final };
}

export function crashRecord(crash: CrashRecord | undefined): JsonValue {
  if (crash === undefined || crash.crashes.length === 0) return null;
  return { crashes: crash.crashes.map(({ node, at }) => ({ node, at })), quarantinedAt: crash.quarantinedAt };
}

export function jobRecord(dueAt: number | undefined): JsonValue {
  return dueAt === undefined ? null : { dueAt };
}
