/**
 * What a scheduler of processes does, and nothing else: it starts a process on a host, asks its probe whether it is
 * ready, says SIGTERM, waits for as long as its grace, and kills. It knows nothing of shards.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { waitFor } from '@dshard/demo';
import type { NamespaceHost } from '@dshard/testkit';
import { delay, type Clock } from '@dshard/transport';
import type { HostFleet } from '../hosts/host-fleet.js';

/** Of Kubernetes, and what a node is told of it. */
export const GRACE_MS = 30_000;
const LEAVE_DEADLINE = '25s';
const READY_TIMEOUT_MS = 120_000;
const PROBE_PERIOD_MS = 250;
const PROBE_TIMEOUT_MS = 1_000;
const FIRST_PROBE_PORT = 9_000;

export type Ending = { node: string; code: number | null; signal: string | null; tookMs: number };

type Slot = { host: NamespaceHost; probe: string; child: ChildProcess };

export class Scheduler {
  readonly #clock: Clock;
  readonly #fleet: HostFleet;
  readonly #slots = new Map<string, Slot>();
  readonly #onLine: (line: string) => void;
  #started = 0;

  constructor(clock: Clock, fleet: HostFleet, onLine: (line: string) => void) {
    this.#clock = clock;
    this.#fleet = fleet;
    this.#onLine = onLine;
  }

  /** In the order in which they were started. */
  get running(): readonly string[] {
    return [...this.#slots.keys()];
  }

  hostOf(node: string): NamespaceHost {
    return this.#slot(node).host;
  }

  start(node: string, host: NamespaceHost): void {
    // A port of its own each time: the process before it may not have let go.
    const probe = `${host.address}:${FIRST_PROBE_PORT + this.#started++}`;
    const environment = {
      DSO_HEALTH_LISTEN: probe,
      DSO_LEAVE_DEADLINE: LEAVE_DEADLINE,
      DEMO_ON_SIGTERM: 'leave',
    };
    const child = this.#fleet.startNode(host, node, environment);
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on('line', (line) => this.#onLine(`${node}: ${line}`));
    this.#slots.set(node, { host, probe, child });
  }

  /** Its probe has said so without a break for `forMs` (minReadySeconds). */
  async untilReady(node: string, forMs: number): Promise<void> {
    const { probe, child } = this.#slot(node);
    let since: number | null = null;
    await waitFor(this.#clock, `${node} to be ready`, READY_TIMEOUT_MS, async () => {
      if (child.exitCode !== null) throw new Error(`${node} ended with exit code ${child.exitCode}.`);
      const isReady = await says200(probe);
      since = isReady ? (since ?? this.#clock.monotonicMs()) : null;
      if (since !== null && this.#clock.monotonicMs() - since >= forMs) return true;
      await delay(this.#clock, PROBE_PERIOD_MS);
      return false;
    });
  }

  /** SIGTERM; SIGKILL when the grace is over. */
  async end(node: string): Promise<Ending> {
    const { child } = this.#slot(node);
    this.#slots.delete(node);
    const startedMs = this.#clock.monotonicMs();
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    child.kill('SIGTERM');
    const inTime = new AbortController();
    void delay(this.#clock, GRACE_MS, inTime.signal).then(
      () => child.kill('SIGKILL'),
      () => undefined,
    );
    const [code, signal] = await exited;
    inTime.abort();
    return { node, code, signal, tookMs: Math.round(this.#clock.monotonicMs() - startedMs) };
  }

  #slot(node: string): Slot {
    const slot = this.#slots.get(node);
    if (slot === undefined) throw new Error(`There is no process ${node}.`);
    return slot;
  }
}

function says200(probe: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get(`http://${probe}/readyz`, { agent: false, timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy()).on('error', () => resolve(false));
  });
}
