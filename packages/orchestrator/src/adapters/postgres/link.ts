/**
 * One connection to PostgreSQL, made when it is needed, and made anew after whatever went wrong with the one before.
 *
 * Always true: an answer comes within the deadline, or the connection is destroyed and the answer is a `LostLink`: a
 * promise of the client library may never settle on a line that is half open. One message carries one transaction,
 * its time limit included, so that nothing is left open at the server whoever dies, and so that a transaction pooler
 * may stand in between: nothing is ever set for the session.
 */
import { messageOf, printable } from '@dshard/protocol';
import type { Cancel, Clock } from '@dshard/transport';
import { LostLink, Refused, type Answer, type Connect, type DatabaseConnection } from './connection.js';

/** What is said at the start of each connection. Throws when the database is not fit for us. */
export type Greeting = { sql: string; check: (answer: Answer) => void };

export type LinkOptions = {
  /** A URL for each host of a cluster; the first that takes writes is used. */
  targets: readonly string[];
  connect: Connect;
  clock: Clock;
  /** For a message and its answer, the connection included. */
  timeoutMs: number;
  greeting?: Greeting;
  onNotice?: (payload: string) => void;
};

/** SQLSTATE read_only_sql_transaction. */
export const IS_STANDBY = '25006';

/** The server gives up a little before we do: its answer is a definite one. */
const SERVER_SHARE = 0.8;

export class Link {
  readonly #options: LinkOptions;
  /** Which of the targets is tried. */
  #target = 0;
  #connected: DatabaseConnection | null = null;
  /** Ends what is on its way to be connected. */
  #connecting: AbortController | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** One transaction; messages wait for one another. Rejects with `LostLink` or `Refused`. */
  ask(sql: string, isolation: 'READ COMMITTED' | 'REPEATABLE READ' = 'READ COMMITTED'): Promise<Answer> {
    const limitMs = Math.max(1, Math.floor(this.#options.timeoutMs * SERVER_SHARE));
    const message = `SET TRANSACTION ISOLATION LEVEL ${isolation}; SET LOCAL statement_timeout = ${limitMs}; ${sql}`;
    const asked = this.#last.then(() => this.#within(async () => (await this.#send(message)).slice(2)));
    this.#last = asked.catch(() => undefined);
    return asked;
  }

  /** As it is, without a transaction around it. */
  say(sql: string): Promise<Answer> {
    const said = this.#last.then(() => this.#within(() => this.#send(sql)));
    this.#last = said.catch(() => undefined);
    return said;
  }

  /** What is under way ends first, within its deadline. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    const connected = this.#connected;
    this.#connected = null;
    if (connected === null) return;
    const { clock, timeoutMs } = this.#options;
    const cancel = clock.after(timeoutMs, () => connected.destroy());
    await connected.end().catch(() => undefined);
    cancel();
    connected.destroy();
  }

  async #within<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new LostLink('the store is closed');
    const { clock, timeoutMs } = this.#options;
    let cancel: Cancel = () => undefined;
    const overdue = new Promise<never>((_, reject) => {
      cancel = clock.after(timeoutMs, () => reject(new LostLink(`it did not answer within ${timeoutMs} ms`)));
    });
    try {
      return await Promise.race([work(), overdue]);
    } catch (error) {
      if (error instanceof Refused) throw error;
      // Whatever comes by this connection from now on would be the answer to an earlier question.
      this.#destroy();
      this.#target += 1;
      throw error instanceof LostLink ? error : new LostLink(printable(messageOf(error)), { cause: error });
    } finally {
      cancel();
    }
  }

  async #send(sql: string): Promise<Answer> {
    this.#connected ??= await this.#connect();
    return this.#connected.query(sql);
  }

  async #connect(): Promise<DatabaseConnection> {
    const { targets, connect, greeting, onNotice } = this.#options;
    const connecting = new AbortController();
    this.#connecting = connecting;
    let connection: DatabaseConnection | null = null;
    const onLost = (): void => {
      if (this.#connected === connection) this.#connected = null;
    };
    const more = { signal: connecting.signal, onLost, ...(onNotice && { onNotice }) };
    connection = await connect(targets[this.#target % targets.length] ?? '', more);
    this.#connecting = null;
    if (greeting === undefined) return connection;
    try {
      greeting.check(await connection.query(greeting.sql));
    } catch (error) {
      connection.destroy();
      // Another host of the cluster may be the one that can be written: a lost link goes on to the next one.
      if (targets.length > 1 && error instanceof Refused && error.code === IS_STANDBY)
        throw new LostLink(error.message);
      if (error instanceof Refused) this.#target += 1;
      throw error;
    }
    return connection;
  }

  #destroy(): void {
    this.#connecting?.abort();
    this.#connecting = null;
    this.#connected?.destroy();
    this.#connected = null;
  }
}

/** `postgres://user@a:5432,b:5432/name` names the hosts of a cluster: a URL for each. */
export function targetsOf(url: string): readonly string[] {
  const [, scheme, login = '', hosts = '', rest = ''] = /^([a-z]+:\/\/)([^/?#]*@)?([^/?#]*)(.*)$/s.exec(url) ?? [];
  if (scheme === undefined) return [url];
  return hosts.split(',').map((host) => `${scheme}${login}${host}${rest}`);
}

/** The hosts and the name of the database, without what is secret. */
export function placeOf(url: string): string {
  const [, hosts = '', name = ''] = /^[a-z]+:\/\/(?:[^/?#]*@)?([^/?#]*)\/?([^?#]*)/.exec(url) ?? [];
  return `${hosts === '' ? 'localhost' : hosts}/${name}`;
}
