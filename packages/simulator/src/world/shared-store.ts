/** What outlives every orchestrator: the disk of one machine, or the database of two. */
import { memoryStore, postgresStore, type MemoryDisk, type StateStore } from '@dshard/orchestrator';
import type { Clock } from '@dshard/transport';
import type { StoreCall } from '../observation.js';
import type { Draw } from '../random.js';
import { DATABASE_URL, type DatabaseLine } from './database-line.js';
import type { SimDatabase } from './sim-database.js';
import { slowStore } from './slow-store.js';
import type { VirtualProcess } from './virtual-process.js';

type Opening = { process: VirtualProcess; clock: Clock; host: string; random: Draw };

export type SharedStore = {
  /** Whether orchestrators on other machines reach it, too. */
  readonly isShared: boolean;
  /** The production store, for one process. */
  openFor(opening: Opening): StateStore;
  /** What it has of a record (`kind/key`). */
  kept(record: string): unknown;
  /** Under which epoch somebody leads, whether or not he knows. */
  epoch(): number;
};

/** @param late commits are answered before they are made: what a mutant does. */
export function storeOnDisk(disk: MemoryDisk, late: boolean): SharedStore {
  return {
    isShared: false,
    openFor: ({ clock, random }) => slowStore({ store: memoryStore({ disk }), clock, random, late }),
    kept: (record) => {
      const json = disk.records.get(record)?.json;
      return json === undefined ? null : JSON.parse(json);
    },
    epoch: () => disk.epoch,
  };
}

export function storeInDatabase(database: SimDatabase, line: DatabaseLine): SharedStore {
  return {
    isShared: true,
    openFor: ({ process, clock, host }) =>
      postgresStore({
        url: DATABASE_URL,
        clock,
        database: { connect: line.connectFrom(host, process), statements: database.statements },
      }),
    kept: (record) => database.record(record),
    epoch: () => database.epoch,
  };
}

/** As a plain object, so that mutants may change a part of it. */
export function plainStore(store: StateStore): StateStore {
  return {
    name: store.name,
    ...(store.hasOwnClock !== undefined && { hasOwnClock: store.hasOwnClock }),
    acquire: (...asked) => store.acquire(...asked),
    renew: (...asked) => store.renew(...asked),
    release: (epoch) => store.release(epoch),
    load: () => store.load(),
    commit: (commit) => store.commit(commit),
    history: (query) => store.history(query),
    ...(store.onWake && { onWake: store.onWake.bind(store) }),
    close: () => store.close(),
  };
}

/** Tells of what is asked, and of what is answered, as whoever leads sees it. */
export function watchedStore(store: StateStore, tell: (call: StoreCall) => void): StateStore {
  return {
    ...store,
    async load() {
      const loaded = await store.load();
      if (loaded.ok) tell({ what: 'loaded' });
      return loaded;
    },
    async commit(commit) {
      const { expectedVersion } = commit;
      tell({ what: 'commitAsked', expectedVersion });
      const result = await store.commit(commit);
      tell({ what: 'commitAnswered', expectedVersion, outcome: result.ok ? 'ok' : result.reason });
      return result;
    },
  };
}
