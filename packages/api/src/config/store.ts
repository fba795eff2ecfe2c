/** Where the orchestrator keeps what it must not forget, and whether the times of a shared store fit together. */
import { join } from 'node:path';
import type { ConfigKey, ConfigValues } from './keys.js';
import type { Places } from './token.js';

type StorePlace =
  | { kind: 'memory' }
  | { kind: 'sqlite'; path: string }
  | { kind: 'postgres'; url: string; schema: string; leaseMs: number; statementTimeoutMs: number };

export type StoreConfig = StorePlace & { standby: boolean; history: number };

/** Adds to `problems` what is wrong. */
export function resolveStore(values: ConfigValues, places: Places, problems: string[]): StoreConfig {
  const common = { standby: values['store.standby'], history: values['store.history'] };
  return { ...placeOf(values, places, problems), ...common };
}

function placeOf(values: ConfigValues, { at, pathOf }: Places, problems: string[]): StorePlace {
  const { 'store.kind': kind, 'store.path': path, 'store.url': url } = values;
  const complain = (key: ConfigKey, sentence: string): void => void problems.push(`${at(key)}: ${key}: ${sentence}`);
  if (kind !== 'postgres' && url !== null) complain('store.url', 'only store.kind postgres has a URL.');
  switch (kind) {
    case 'memory':
      return { kind };
    case 'sqlite': {
      const auto = (): string => join(pathOf('launcher.dataDir', values['launcher.dataDir']), 'state.db');
      return { kind, path: path === null ? auto() : pathOf('store.path', path) };
    }
    case 'postgres': {
      if (url === null) complain('store.kind', 'set store.url (DSO_STORE_URL), the database to use.');
      if (path !== null)
        complain('store.path', 'a PostgreSQL store has no file: remove it, or set store.kind to sqlite.');
      checkTimes(values, complain);
      const { 'store.lease': leaseMs, 'store.statementTimeout': statementTimeoutMs, 'store.schema': schema } = values;
      return { kind, url: url ?? '', schema, leaseMs, statementTimeoutMs };
    }
  }
}

/**
 * A leader renews five times a lease, and acts for four fifths of the lease without having renewed it. Of that, three
 * renewals and two answers that take as long as they may must fit in. And nodes must not give up an orchestrator that
 * is only waiting for the database, or for the lease of the leader before.
 */
function checkTimes(values: ConfigValues, complain: (key: ConfigKey, sentence: string) => void): void {
  const { 'store.lease': leaseMs, 'store.statementTimeout': statementMs, heartbeat } = values;
  if ((3 * leaseMs) / 5 + 2 * statementMs > (4 * leaseMs) / 5) {
    const most = Math.floor(leaseMs / 10);
    complain(
      'store.statementTimeout',
      `with a store.lease of ${leaseMs} ms it is ${most} ms at most, a tenth, so that a slow answer ends no leadership.`,
    );
  }
  const patienceMs = 3 * heartbeat;
  if (heartbeat > 0 && patienceMs <= statementMs + leaseMs) {
    const least = Math.floor((statementMs + leaseMs) / 3) + 1;
    complain(
      'heartbeat',
      `nodes would give up an orchestrator after ${patienceMs} ms, before another one can lead ` +
        `(store.statementTimeout + store.lease: ${statementMs + leaseMs} ms): set it to ${least} ms at least, or shorten store.lease.`,
    );
  }
}
