/** The course of a run: calm with planned moves, a fault, recovery, calm again; in the end all has to converge. */
import { waitFor } from '@dshard/demo';
import { messageOf } from '@dshard/protocol';
import { seededRandom } from '@dshard/testkit';
import { delay, type Ms } from '@dshard/transport';
import { schedule, type ScheduledFault } from './fault-kinds.js';
import { Operators } from './moves.js';
import type { ChaosOptions } from './options.js';
import type { StatusV1 } from '@dshard/api';
import type { ChaosRig, Inject } from './chaos-rig.js';
import { describeWindow, Windows, type Window } from './windows.js';

const CALM_MS = 2_000;
const RECOVERY_TIMEOUT_MS = 60_000;

export type CourseEnd = {
  windows: Windows;
  lost: { id: string; shard: number; window: Window }[];
  operators: Operators;
  failures: string[];
};

export class Course {
  readonly #rig: ChaosRig;
  readonly #options: ChaosOptions;
  readonly #say: (text: string) => void;
  readonly #inject: Inject;
  readonly #windows: Windows;
  readonly #operators: Operators;
  readonly #failures: string[] = [];
  readonly #lost: CourseEnd['lost'] = [];

  constructor(rig: ChaosRig, options: ChaosOptions, inject: Inject, say: (text: string) => void) {
    this.#inject = inject;
    this.#rig = rig;
    this.#options = options;
    this.#say = say;
    this.#windows = new Windows(rig.clock.now());
    this.#operators = new Operators(rig, seededRandom(options.seed + 1), ({ text, failure }) =>
      say(failure === null ? `  ${text}` : `  ${text}: not done: ${failure}`),
    );
  }

  /** Stops early, with a failure, when the fleet does not recover: whatever came next would say nothing. */
  async run(): Promise<CourseEnd> {
    const { clock, emulator } = this.#rig;
    const until = clock.monotonicMs() + this.#options.minutes * 60_000;
    emulator.traffic.start(this.#options.rate);
    this.#operators.start();
    await delay(clock, CALM_MS);
    for (const fault of schedule(this.#options.seed, this.#faults())) {
      if (clock.monotonicMs() >= until) break;
      await this.#inflict(fault);
      if (!(await this.#recover())) break;
      this.#enter('calm');
      this.#operators.start();
      await delay(clock, CALM_MS);
    }
    emulator.traffic.stop();
    await this.#recover();
    return { windows: this.#windows, lost: this.#lost, operators: this.#operators, failures: this.#failures };
  }

  #faults(): ChaosOptions['faults'] {
    const missing = this.#rig.missing();
    const others = this.#options.faults.filter((name) => {
      const why = missing[name];
      if (why !== undefined) this.#say(`The fault ${name} is left out: ${why}.`);
      return why === undefined;
    });
    if (others.length === 0) throw new Error('There is no fault left to inject.');
    return others;
  }

  async #inflict({ name, random }: ScheduledFault): Promise<void> {
    const window = this.#enter(name);
    try {
      await this.#inject(name, random, (text) => this.#say(`${describeWindow(window)}: ${text}`));
    } catch (error) {
      this.#fail(`${describeWindow(window)}: ${messageOf(error)}`);
    }
  }

  /** The operators rest while the fleet recovers, because what they do is never at its end. */
  async #recover(): Promise<boolean> {
    const { clock } = this.#rig;
    const window = this.#windows.at(clock.now());
    const startedMs = clock.monotonicMs();
    await this.#operators.rest();
    const since = clock.now();
    let problems: string[] = [];
    let settledSince: Ms | null = null;
    const settled = await waitFor(clock, 'recovery', RECOVERY_TIMEOUT_MS, async () => {
      problems = await unsettled(this.#rig, since);
      settledSince = problems.length > 0 ? null : (settledSince ?? clock.monotonicMs());
      return settledSince !== null && clock.monotonicMs() - settledSince >= this.#rig.settledForMs;
    }).then(
      () => true,
      () => false,
    );
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    if (settled) this.#say(`${describeWindow(window)}: recovered after ${tookMs} ms`);
    else this.#fail(`${describeWindow(window)}: not recovered after ${tookMs} ms: ${problems.join(', ')}`);
    for (const { id, shard, emittedAt } of this.#rig.watch.countAsLost(since)) {
      this.#lost.push({ id, shard, window: this.#windows.at(emittedAt) });
    }
    return settled;
  }

  #enter(name: Window['name']): Window {
    const now: Ms = this.#rig.clock.now();
    return this.#windows.enter(name, now);
  }

  #fail(problem: string): void {
    this.#failures.push(problem);
    this.#say(`✘ ${problem}`);
  }
}

// When the fleet has recovered: everything runs, nothing is under way, nothing of before is still to be handled.

/** What is not as it should be, in words; empty when all is well. `since`: events before it have to be handled. */
async function unsettled(rig: ChaosRig, since: Ms): Promise<string[]> {
  const status = await rig.status().catch(() => null);
  if (status === null) return ['the orchestrator does not answer'];
  const open = rig.watch.openBefore(since).length;
  const attached = rig.attached();
  const { sockets } = rig.emulator.admin.status();
  return [
    ...unsettledIn(status, rig),
    attached !== rig.shards && `${attached} of ${rig.shards} sessions are connected`,
    sockets !== rig.shards && `${sockets} gateway connections are open for ${rig.shards} shards`,
    open > 0 && `${open} events are handled by nobody so far`,
  ].filter((problem) => problem !== false);
}

function unsettledIn(status: StatusV1, { shards, nodes }: ChaosRig): string[] {
  const connected = status.nodes.filter(({ connection, intent }) => connection === 'connected' && intent === 'serving');
  const open = status.operations.filter(({ endedAt }) => endedAt === null);
  const { up } = status.conditionCounts;
  return [
    up !== shards && `${up} of ${shards} shards are up`,
    connected.length < nodes && `${connected.length} of ${nodes} nodes serve`,
    status.nodes.some(({ intent }) => intent === 'shuttingDown') && 'a node is shutting down',
    status.launches.length > 0 && `${status.launches.length} launches are under way`,
    status.migrations.length > 0 && `${status.migrations.length} migrations are open`,
    status.waitingMigrations.length > 0 && `${status.waitingMigrations.length} migrations wait`,
    open.length > 0 && `${open.length} operations are open: ${open.map(({ text }) => text).join(' ')}`,
    status.graceUntil !== null && 'the orchestrator waits for its nodes',
    status.alarm !== null && 'there is an alarm',
    status.quarantined.length > 0 && `${status.quarantined.length} shards are quarantined`,
    status.store.state !== 'open' && `the store is ${status.store.state}`,
  ].filter((problem) => problem !== false);
}
