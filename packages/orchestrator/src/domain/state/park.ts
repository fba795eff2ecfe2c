/**
 * Parked shards: nobody runs them, and the orchestrator keeps their state and their cursor for the next node. To the
 * migration of a shard the orchestrator is an end like any other, under an id that no node can have.
 */
import type { Message } from '@dshard/protocol';
import type { KnownSession } from './commands.js';
import type { Effect } from './effects.js';
import type { MigrationState, OrchestratorState } from './state.js';
import { survey } from './survey.js';

/** The orchestrator as an end of a migration; node ids have no path separators. */
export const PARK = '/park';

export function isPark(end: string): boolean {
  return end === PARK;
}

/** The state of one shard as it lies in the spool. Whoever reads it back compares all of it. */
export type SpooledState = {
  /** The host whose spool it is. */
  host: string;
  file: string;
  events: number;
  bytes: number;
  /** The digest of the transfer that brought it. */
  hash: string;
  /** The version of the bot that wrote it: what another version makes of it is for that version to say. */
  version: string;
};

export type Parked = {
  since: number;
  /** After that the state is dropped; the cursor is still tried. */
  until: number;
  /** The node that had the shard. */
  origin: string;
  known: KnownSession;
  state: SpooledState;
  /** How many nodes had the fleet's shards when it was parked: so many are likely to come back for them. */
  spread: number;
  /** So many nodes in a row could not take it. */
  refusals: number;
};

/** An end of a migration, as part of a sentence. */
export function nameOfEnd(end: string): string {
  return isPark(end) ? 'the orchestrator' : `node ${end}`;
}

/** What the spool is to keep: all else in it is nobody's. */
export function spooledFiles(state: OrchestratorState): ReadonlySet<string> {
  const files = new Set<string>();
  for (const id of survey(state.shards).parked) {
    const shard = state.shards[id];
    if (shard?.kind === 'parked') files.add(shard.parked.state.file);
  }
  for (const migration of state.migrations.values()) {
    const file = spooledFileOf(migration);
    if (file !== null) files.add(file);
  }
  return files;
}

/** What is said to the orchestrator's end of a migration. */
export function toPark(migration: MigrationState, message: Message): Extract<Effect, { kind: 'park' }> | null {
  const file = spooledFileOf(migration);
  return file === null ? null : { kind: 'park', message, file, whole: migration.parked?.state ?? null };
}

/** The file that a migration writes or reads; null: it has nothing to do with the spool. */
function spooledFileOf({ id, destination, parked }: MigrationState): string | null {
  return isPark(destination) ? id : (parked?.state.file ?? null);
}

/** What the orchestrator has of a shard from COMMIT on. @param isExact the origin said that it let go. */
export function parkedBy(state: OrchestratorState, migration: MigrationState, isExact: boolean): Parked | null {
  const { step, origin, destination, id, spread = 1 } = migration;
  if (!isPark(destination) || (step.kind !== 'releasing' && step.kind !== 'activating')) return null;
  const { settings, nodes } = state;
  const { session, events, bytes, hash } = step.manifest;
  const known = { session, at: step.frozenAt };
  return {
    since: step.frozenAt,
    until: step.frozenAt + settings.parkTtlMs,
    origin,
    known: isExact ? { ...known, exact: true } : known,
    state: {
      host: settings.parkHost ?? '',
      file: id,
      events,
      bytes,
      hash,
      version: nodes.get(origin)?.version ?? '',
    },
    spread,
    refusals: 0,
  };
}
