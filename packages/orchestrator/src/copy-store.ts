/**
 * Takes everything that one store remembers into another one: `dso store copy`. Leads on both meanwhile, so that no
 * orchestrator writes to either, and goes on with the time line of the first, which the times in the records are by.
 */
import { existsSync } from 'node:fs';
import { continuedClock, systemClock, systemRandom, type Clock, type Logger } from '@dshard/transport';
import { livenessOf, ownIdentity } from './adapters/process-launcher/process-identity.js';
import { postgresStore } from './adapters/postgres/postgres-store.js';
import { sqliteStore } from './adapters/sqlite/sqlite-store.js';
import { OrchestratorError } from './errors.js';
import type { LoadResult, StateStore, StoredEntry, StoreFailure } from './ports/state-store.js';
import { lead, type Leadership } from './runtime/leadership.js';

/** A store by its name. */
export type StoreAddress = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string; schema?: string };

export type CopiedStore = { from: string; to: string; records: number; entries: number };

/** All of it is one transaction, which may be a large one. */
const STATEMENT_TIMEOUT_MS = 120_000;
const LEASE_MS = 10 * STATEMENT_TIMEOUT_MS;
const PAGE = 1_000;

/**
 * Rejects with `DSO_STORE_LED` while an orchestrator runs on one of the two, with `DSO_STORE_NOT_EMPTY`, and with
 * `DSO_STORE_UNUSABLE`; then the second store is as it was.
 */
export async function copyStore(from: StoreAddress, to: StoreAddress, logger: Logger): Promise<CopiedStore> {
  if (from.kind === 'sqlite' && !existsSync(from.path)) throw unusable(`There is no file ${from.path} to copy.`);
  const clock = systemClock();
  return leading(from, clock, logger, async (source) => {
    return leading(to, continuedClock(clock, source.aheadMs), logger, (target) => copy(source, target));
  });
}

async function copy({ store: source }: Leadership, { store: target, epoch }: Leadership): Promise<CopiedStore> {
  const [{ records }, there] = [await loaded(source), await loaded(target)];
  if (there.records.length > 0 || there.lastHistoryId > 0) {
    const what = `${there.records.length} record(s), history up to ${there.lastHistoryId}`;
    const wayOut = 'Name another schema or file, or remove what is there';
    throw new OrchestratorError('DSO_STORE_NOT_EMPTY', `The store ${target.name} is not empty (${what}). ${wayOut}.`);
  }
  const history = await entriesOf(source);
  const commit = { epoch, expectedVersion: there.version, writes: records, history };
  const committed = await target.commit(commit);
  if (!committed.ok) throw unusable(committed.message);
  return { from: source.name, to: target.name, records: records.length, entries: history.length };
}

async function leading<T>(
  address: StoreAddress,
  clock: Clock,
  logger: Logger,
  work: (leadership: Leadership) => Promise<T>,
): Promise<T> {
  const store = open(address, clock);
  try {
    const identity = ownIdentity(systemRandom(), clock);
    const leadership = await lead(store, {
      identity,
      standby: false,
      leaseMs: LEASE_MS,
      clock,
      logger,
      liveness: livenessOf,
    });
    try {
      return await work(leadership);
    } finally {
      await store.release(leadership.epoch);
    }
  } finally {
    await store.close();
  }
}

function open(address: StoreAddress, clock: Clock): StateStore {
  // What is copied is kept, however long the history of the other store is to be.
  const maxHistory = Number.MAX_SAFE_INTEGER;
  if (address.kind === 'sqlite') return sqliteStore({ path: address.path, maxHistory });
  return postgresStore({ ...address, maxHistory, statementTimeoutMs: STATEMENT_TIMEOUT_MS, clock });
}

async function loaded(store: StateStore): Promise<Extract<LoadResult, { ok: true }>> {
  return orThrow(await store.load());
}

async function entriesOf(store: StateStore): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for (;;) {
    const page = orThrow(await store.history({ after: entries.at(-1)?.id ?? 0, limit: PAGE }));
    entries.push(...page.entries);
    if (page.entries.length < PAGE) return entries;
  }
}

function orThrow<T extends { ok: true }>(result: T | StoreFailure): T {
  if (!result.ok) throw unusable(result.message);
  return result;
}

function unusable(message: string): OrchestratorError {
  return new OrchestratorError('DSO_STORE_UNUSABLE', message);
}
