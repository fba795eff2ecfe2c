/**
 * A PostgreSQL primary with a synchronous standby, as one has them for high availability: what the primary answered to
 * have kept, the standby has. `failOver` does what an operator or Patroni does: ends the primary for good, promotes the
 * standby; `rejoin` makes the old primary follow the new one.
 */
import { PostgresServer, type PostgresServerOptions } from './postgres-server.js';
import { until } from './until.js';

export type PostgresPairOptions = {
  /** Of both. */
  home?: PostgresServerOptions['home'];
  primary?: Pick<PostgresServerOptions, 'host' | 'enter' | 'folder'>;
  standby?: Pick<PostgresServerOptions, 'host' | 'enter' | 'folder'>;
};

const PATIENCE_MS = 30_000;

export class PostgresPair {
  #primary: PostgresServer;
  #standby: PostgresServer;
  /** In the order in which they began, for the url. */
  readonly #servers: readonly PostgresServer[];

  private constructor(primary: PostgresServer, standby: PostgresServer) {
    this.#primary = primary;
    this.#standby = standby;
    this.#servers = [primary, standby];
  }

  static async start({ home, primary: first, standby: second }: PostgresPairOptions = {}): Promise<PostgresPair> {
    const primary = await PostgresServer.start(home, first);
    try {
      const standby = await PostgresServer.standbyOf(primary, second);
      const pair = new PostgresPair(primary, standby);
      await pair.#synchronize();
      return pair;
    } catch (error) {
      await primary.close();
      throw error;
    }
  }

  /** Names both: whoever connects takes the one that can be written, before and after a fail-over. */
  get url(): string {
    return `postgres://dso@${this.#servers.map(({ address }) => address).join(',')}/postgres`;
  }

  get primary(): PostgresServer {
    return this.#primary;
  }

  get standby(): PostgresServer {
    return this.#standby;
  }

  /** @param signal SIGQUIT: as if its machine had crashed. */
  async restartPrimary(signal: 'SIGINT' | 'SIGQUIT' = 'SIGQUIT'): Promise<void> {
    await this.#primary.stop(signal);
    await this.#primary.start();
  }

  /** The primary ends as if its machine had crashed; the standby becomes the primary, without a standby of its own. */
  async failOver(): Promise<void> {
    const [ended, promoted] = [this.#primary, this.#standby];
    await ended.stop('SIGQUIT');
    const [row] = await promoted.sql(`SELECT pg_promote(true, ${PATIENCE_MS / 1_000}) AS promoted`);
    if (row?.['promoted'] !== true) throw new Error('The standby was not promoted.');
    this.#primary = promoted;
    this.#standby = ended;
  }

  /** After a fail-over: who was the primary forgets what it has, and becomes the synchronous standby. */
  async rejoin(): Promise<void> {
    await this.#standby.follow(this.#primary);
    await this.#synchronize();
  }

  async close(): Promise<void> {
    // The standby first: a primary that ends waits for nobody then.
    await this.#standby.close();
    await this.#primary.close();
  }

  async #synchronize(): Promise<void> {
    // Each is a transaction of its own.
    await this.#primary.sql(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
    await this.#primary.sql('SELECT pg_reload_conf()');
    const isSynchronous = async (): Promise<boolean> => {
      const rows = await this.#primary.sql('SELECT sync_state FROM pg_stat_replication');
      return rows.some((row) => row['sync_state'] === 'sync');
    };
    await until(isSynchronous, { what: 'the standby to follow synchronously', timeoutMs: PATIENCE_MS });
  }
}
