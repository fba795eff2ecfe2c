/**
 * Real `dso up` processes on one data directory, for what is done to them from outside: signals, clocks, files. Ends
 * all of them, and their nodes, after each test.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HistoryEntry, StatusV1 } from '@dshard/api';
import { until } from '@dshard/testkit';
import { afterEach, beforeEach } from 'vitest';
import { startDso, untilUp, type Dso } from './dso.js';

export const QUIET_BOT: string = fileURLToPath(new URL('./bots/quiet-bot.js', import.meta.url));

export type Running = { dso: Dso; address: string; http: string };

export class Orchestrators {
  readonly cwd = mkdtempSync(join(tmpdir(), 'dso-many-'));
  readonly #started: Dso[] = [];
  #ports: { listen: string; http: string } | null = null;

  get dataDir(): string {
    return join(this.cwd, '.dso');
  }

  /** The same ports for all, as on one host. */
  async ports(): Promise<string[]> {
    this.#ports ??= { listen: `127.0.0.1:${await freePort()}`, http: `127.0.0.1:${await freePort()}` };
    return ['--listen', this.#ports.listen, '--http', this.#ports.http];
  }

  up(args: readonly string[], environment: Record<string, string> = {}): Dso {
    const dso = startDso(['up', ...args, '--json'], { cwd: this.cwd, environment });
    this.#started.push(dso);
    return dso;
  }

  async running(args: readonly string[], environment: Record<string, string> = {}): Promise<Running> {
    const dso = this.up(args, environment);
    return { dso, ...(await untilUp(dso)) };
  }

  /** What the launcher remembers of its processes. */
  nodes(): { node: string; pid: number }[] {
    try {
      const directory = join(this.dataDir, 'nodes');
      const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
      return names.map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')));
    } catch {
      return [];
    }
  }

  /** Ascending. */
  pids(): number[] {
    return sorted(this.nodes().map(({ pid }) => pid));
  }

  async end(): Promise<void> {
    for (const dso of this.#started.splice(0)) {
      dso.child.kill('SIGKILL');
      await dso.done;
    }
    for (const { pid } of this.nodes()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    rmSync(this.cwd, { recursive: true, force: true });
  }
}

/** Those of the test that runs. */
export function orchestratorsOfEachTest(): { readonly all: Orchestrators } {
  const scene = { all: null as unknown as Orchestrators };
  beforeEach(() => {
    scene.all = new Orchestrators();
  });
  afterEach(() => scene.all.end());
  return scene;
}

export function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}

/**
 * It is listened on again and again, so it is below those that the system gives to whoever connects: one of those was
 * taken by another program between two starts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('listening', () => server.close(() => resolve(true)));
      server.once('error', () => resolve(false));
    });
    if (isFree) return port;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A process whose parent has not looked yet is dead all the same.
  return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

export async function statusOf({ http }: Pick<Running, 'http'>, token: string | null = null): Promise<StatusV1> {
  const headers = { ...(token !== null && { authorization: `Bearer ${token}` }) };
  return (await (await fetch(`${http}/v1/status`, { headers })).json()) as StatusV1;
}

export async function historyOf({ http }: Pick<Running, 'http'>): Promise<readonly HistoryEntry[]> {
  return (await (await fetch(`${http}/v1/events?limit=1000`)).json()) as readonly HistoryEntry[];
}

/** Resolves when that many nodes run that many shards. */
export function untilServing(
  where: Pick<Running, 'http'>,
  nodes: number,
  shards: number,
  token: string | null = null,
): Promise<StatusV1> {
  return until(
    async () => {
      const status = await statusOf(where, token);
      const connected = status.nodes.filter(({ connection }) => connection === 'connected');
      return connected.length === nodes && status.shardCounts.running === shards ? status : null;
    },
    { what: `${nodes} nodes with ${shards} shards`, timeoutMs: 30_000 },
  );
}
