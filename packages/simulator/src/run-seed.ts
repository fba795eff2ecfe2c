/**
 * One run: a world is made from the seed, faults go on for a while (safety), then they stop and everything must
 * converge (liveness), traffic ends, and what is still under way arrives. Checkers watch from the first moment to the
 * last.
 */
import { Ledger } from '@dshard/gateway-emulator';
import { decide as decideShard } from '@dshard/node/gateway-shard';
import { memoryNetwork, virtualClock, type MemoryNetwork, type VirtualClock } from '@dshard/testkit';
import { CHECKERS } from './checkers/all.js';
import type { Checker, Observation, Observe } from './observation.js';
import { CONVERGENCE, missing } from './checkers/convergence.js';
import { FaultDriver } from './faults/fault-driver.js';
import { Operators } from './faults/operators.js';
import { Marks } from './marks.js';
import type { Mutant } from './mutants/mutant.js';
import { observeMarks } from './observe-marks.js';
import { planFor, type FaultName, type Plan } from './plan.js';
import { drawFor } from './random.js';
import { Trace } from './trace.js';
import { SimDiscord, STRANGERS_ADDRESS } from './discord/discord.js';
import { Fleet } from './world/fleet.js';
import { Orchestrators } from './world/orchestrators.js';
import { addressesOf } from './world/machine.js';
import { tell } from './tell.js';
import type { LaunchFault } from './world/sim-launcher.js';

export type RunOptions = {
  seed: number;
  /** The faults that may be on; null: what the seed says. */
  faults: ReadonlySet<FaultName> | null;
  /** null: as many as the seed has. */
  orchestrators?: 1 | 2 | null;
  /** Gets every line of the trace. */
  print: ((line: string) => void) | null;
  mutant: Mutant | null;
};

type Violation = { invariant: string; what: string; atMs: number };

export type RunResult = {
  seed: number;
  violations: readonly Violation[];
  /** Decisions of the orchestrator. */
  steps: number;
  /** Events that user code got. */
  events: number;
  virtualMs: number;
  traceHash: string;
  /** The last lines of the trace, or those before the first violation. */
  lastLines: readonly string[];
  marks: Readonly<Record<string, number>>;
};

/** Under the fault `notReady`: so many shards find user code, or the gateway, not ready for them. */
const NOT_READY_SHARE = 0.3;
const WARM_UP_MS = 40_000;
const SLICE_MS = 500;
/** Everything may have to happen after another: downtime, launches, steps of moves, identifies one per window. */
const CONVERGE_WITHIN_MS = 180_000;
/** A shard's state is three pieces, and some of them come again with the delta. */
const PIECES_OF_A_MOVE = 4;
/** It must stay that way. */
const STEADY_MS = 3_000;
/** What nodes have to stop, and what processes have until they are killed. */
const ENDS_WITHIN_MS = 30_000;
/** Longer than it takes a host to notice that its connection is dead. */
const LAST_EVENTS_MS = 16_000;
/** Events that user code may still have to work off. */
const MOST_WAITING = 800;
const MOST_VIOLATIONS = 5;

export async function runSeed(options: RunOptions): Promise<RunResult> {
  return new Run(options).run();
}

/** Ends a run that has found plenty. */
class EnoughSeen extends Error {}

class Run {
  readonly #plan: Plan;
  readonly #world: VirtualClock;
  readonly #trace: Trace;
  readonly #marks = new Marks();
  readonly #ledger = new Ledger();
  readonly #violations: Violation[] = [];
  readonly #checkers: readonly Checker[];
  readonly #control: MemoryNetwork;
  readonly #gateway: MemoryNetwork;
  readonly #discord: SimDiscord;
  readonly #fleet: Fleet;
  readonly #orchestrators: Orchestrators;
  readonly #faults: FaultDriver;
  readonly #operators: Operators;
  /** Sessions whose READY reached nobody. */
  readonly #notReady = new Set<string>();
  #events = 0;
  #isCalm = false;
  #linesAtViolation: readonly string[] | null = null;

  constructor({ seed, faults, orchestrators: wanted = null, print, mutant }: RunOptions) {
    const plan = planFor(seed, { faults, orchestrators: wanted });
    const world = virtualClock();
    const observe: Observe = (observation) => this.#observe(observation);
    this.#plan = plan;
    this.#world = world;
    this.#trace = new Trace(world, print);
    this.#checkers = CHECKERS.map((make) =>
      make({ plan, violated: (invariant, what) => this.#violated(invariant, what) }),
    );
    const { delayMs, jitterMs } = plan;
    const control = memoryNetwork({ clock: world, random: drawFor(seed, 'control network'), delayMs, jitterMs });
    const gateway = memoryNetwork({ clock: world, random: drawFor(seed, 'gateway network'), delayMs, jitterMs });
    this.#control = control;
    this.#gateway = gateway;
    this.#discord = new SimDiscord({
      clock: world,
      random: drawFor(seed, 'discord'),
      network: gateway,
      rules: plan.rules,
      shards: plan.shards,
      record: (record) => observe({ kind: 'gateway', record }),
    });
    this.#fleet = new Fleet({
      bot: {
        seed,
        version: 'v1',
        orchestrators: addressesOf(plan.orchestrators),
        token: plan.token,
        sendMs: plan.sendMs,
        handlingMs: plan.handlingMs,
        patienceMs: plan.patienceMs,
        failsToGetReady: plan.faults.has('notReady') ? NOT_READY_SHARE : 0,
        strangeUrls: plan.faults.has('strangeUrls'),
        repeats: plan.faults.has('repeats') ? (name, message) => this.#repeats(name, message.kind) : null,
        namesPrepared: plan.durable,
        behaviour: {
          sendsWholeState: true,
          sendsChanges: true,
          ...mutant?.host,
          decideShard: (mutant?.decideShard ?? ((decide) => decide))(decideShard),
        },
        world,
        control,
        gateway,
        trace: this.#trace,
        observe,
        wrapNode: mutant?.node ?? ((node) => node),
      },
      random: drawFor(seed, 'fleet'),
      baseLevelShare: plan.faults.has('baseLevel') ? 0.5 : 0,
      liveShare: plan.liveShare,
      supervised: plan.supervised,
    });
    this.#orchestrators = new Orchestrators({
      seed,
      count: plan.orchestrators,
      settings: plan.settings,
      token: plan.token,
      durable: plan.durable,
      world,
      control,
      discord: this.#discord,
      fleet: this.#fleet,
      random: drawFor(seed, 'launcher'),
      trace: this.#trace,
      observe,
      nextLaunchFault: () => this.#nextLaunchFault(),
      lateStore: mutant?.lateStore ?? false,
      ignoresEpoch: mutant?.ignoresEpoch ?? false,
      wrapStore: mutant?.wrapStore ?? ((store) => store),
      wrapLead: mutant?.wrapLead ?? ((lead) => lead),
      wrapLeadership: mutant?.wrapLeadership ?? ((leadership) => leadership),
      wrapClock: mutant?.wrapClock ?? ((clock) => clock),
      wrapDecide: mutant?.decide ?? ((decide) => decide),
      wrapSpool: mutant?.spool ?? ((spool) => spool),
      onBroken: (what) => this.#violated('the invariants of the orchestrator’s state hold after every decision', what),
    });
    const parties = { world, control, gateway, discord: this.#discord, fleet: this.#fleet, observe };
    const orchestrators = this.#orchestrators;
    this.#faults = new FaultDriver({ ...parties, plan, draw: drawFor(seed, 'faults'), orchestrators });
    const fleet = this.#fleet;
    this.#operators = new Operators({ plan, draw: drawFor(seed, 'operators'), world, orchestrators, fleet });
  }

  async run(): Promise<RunResult> {
    try {
      await this.#live();
    } catch (error) {
      if (!(error instanceof EnoughSeen))
        this.#violated('nothing throws', error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return {
      seed: this.#plan.seed,
      violations: this.#violations,
      steps: this.#orchestrators.decisions,
      events: this.#events,
      virtualMs: this.#world.monotonicMs(),
      lastLines: this.#linesAtViolation ?? [...this.#trace.last()],
      traceHash: this.#trace.hash(),
      marks: this.#marks.counts(),
    };
  }

  async #live(): Promise<void> {
    const { plan } = this;
    await this.#discord.start();
    await this.#gateway.listen(STRANGERS_ADDRESS, () => this.#observe({ kind: 'stranger' }));
    this.#discord.startTraffic(plan.messagesPerSecond);
    this.#orchestrators.start();
    if (plan.supervised) for (let node = 0; node < plan.nodes; node += 1) this.#fleet.spawn(this.#fleet.nextName());
    if (!plan.impatient) await this.#passUntilWhole(WARM_UP_MS);
    if (plan.faults.has('operators')) this.#operators.start();
    this.#faults.start();
    await this.#pass(plan.faultyMs);
    await this.#calmDown();
    await this.#converge();
    this.#discord.stopTraffic();
    await this.#pass(LAST_EVENTS_MS + plan.handlingMs * MOST_WAITING);
    this.#observe({ kind: 'spooled', files: this.#orchestrators.spool?.files.size ?? 0 });
    for (const checker of this.#checkers) checker.finish?.(this.#world.monotonicMs());
    this.#checkLedger();
    if (plan.endsForGood) await this.#endForGood();
  }

  /** The whole bot goes down: sessions are ended, no process and no connection is left. */
  async #endForGood(): Promise<void> {
    const { handle } = this.#orchestrators;
    if (handle === null) return;
    this.#observe({ kind: 'ending' });
    let ended = false;
    void handle.close('end').then(() => {
      ended = true;
    });
    await this.#pass(ENDS_WITHIN_MS);
    const left = this.#fleet.living.map(({ name }) => name);
    const open = this.#control.openConnections() + this.#gateway.openConnections();
    if (ended && left.length === 0 && open === 0) return;
    const seen = `${ended ? 'it ended' : 'it did not end'}, with nodes [${left.join(' ')}] and ${open} connections left`;
    this.#violated('when the bot shuts down for good, nothing is left of it', seen);
  }

  get plan(): Plan {
    return this.#plan;
  }

  async #calmDown(): Promise<void> {
    this.#isCalm = true;
    this.#operators.stop();
    this.#faults.stop();
    // A launch that hung is a process somebody stopped; it goes on now.
    for (const { process } of this.#fleet.living) process.resume();
    this.#orchestrators.stayUp();
    this.#observe({ kind: 'calm' });
    await this.#pass(SLICE_MS);
    this.#operators.tidyUp();
  }

  async #converge(): Promise<void> {
    const withinMs = CONVERGE_WITHIN_MS + slowMoves(this.#plan);
    const deadline = this.#world.monotonicMs() + withinMs;
    let steadySince: number | null = null;
    let lacking: string | null = null;
    while (this.#world.monotonicMs() < deadline) {
      await this.#pass(SLICE_MS);
      lacking = missing(this.#parties());
      const now = this.#world.monotonicMs();
      if (lacking !== null) steadySince = null;
      else if (steadySince === null) steadySince = now;
      else if (now - steadySince >= STEADY_MS) return;
      this.#operators.tidyUp();
    }
    this.#violated(CONVERGENCE, `after ${Math.round(withinMs / 1000)} s ${lacking ?? 'it did not stay so'}`);
  }

  async #passUntilWhole(ms: number): Promise<void> {
    const deadline = this.#world.monotonicMs() + ms;
    while (this.#world.monotonicMs() < deadline && missing(this.#parties()) !== null) await this.#pass(SLICE_MS);
  }

  #parties(): Parameters<typeof missing>[0] {
    return {
      plan: this.#plan,
      fleet: this.#fleet,
      orchestrators: this.#orchestrators,
      discord: this.#discord,
      control: this.#control,
      gateway: this.#gateway,
    };
  }

  async #pass(ms: number): Promise<void> {
    await this.#world.run(ms);
    if (this.#violations.length >= MOST_VIOLATIONS) throw new EnoughSeen();
  }

  /** The ledger's own verdict, where nothing may be wrong with it. */
  #checkLedger(): void {
    // An operator may stop a shard between IDENTIFY and READY: what is emitted to that session is lost to everybody.
    if (!this.#plan.gentle || this.#notReady.size > 0) return;
    const { lost, duplicated, outOfOrder, unexpected, examples } = this.#ledger.verdict();
    if (lost + duplicated + outOfOrder + unexpected === 0) return;
    this.#violated('the ledger finds nothing lost, repeated, reordered or unexpected', examples.slice(0, 3).join('; '));
  }

  #nextLaunchFault(): LaunchFault | null {
    if (this.#isCalm || !this.#plan.faults.has('launches')) return null;
    const draw = drawFor(this.#plan.seed, `launch ${this.#world.monotonicMs()}`);
    return draw.chance(0.4) ? (draw.pick(['rejected', 'dies', 'hangs'] as const) ?? null) : null;
  }

  #repeats(name: string, message: string): boolean {
    if (this.#isCalm) return false;
    if (!drawFor(this.#plan.seed, `repeat ${name} ${this.#world.monotonicMs()}`).chance(0.5)) return false;
    this.#observe({ kind: 'fault', fault: 'repeats', target: `${message} of ${name}` });
    return true;
  }

  #violated(invariant: string, what: string): void {
    if (this.#violations.length >= MOST_VIOLATIONS) return;
    this.#violations.push({ invariant, what, atMs: this.#world.monotonicMs() });
    this.#trace.say('CHECKER', `VIOLATED: ${invariant}: ${what}`);
    this.#linesAtViolation ??= [...this.#trace.last()];
  }

  #observe(observation: Observation): void {
    const at = this.#world.monotonicMs();
    observeMarks(this.#marks, observation);
    tell(this.#trace, observation);
    if (observation.kind === 'gateway') {
      const { record } = observation;
      this.#ledger.record(record);
      if (record.kind === 'identify' && record.sessionId !== null) this.#notReady.add(record.sessionId);
    }
    if (observation.kind === 'up') this.#notReady.delete(observation.sessionId);
    if (observation.kind === 'handed') {
      const { node, shard, sequence: s, eventId: id, sessionId } = observation;
      this.#events += 1;
      this.#ledger.handled({ node, events: [{ shard, s, id, t: 'MESSAGE_CREATE', at, sessionId }] });
    }
    for (const checker of this.#checkers) checker.see(observation, at);
  }
}

/** An operator may have begun a rollout as faults ended: each node is drained once, shard after shard. */
function slowMoves({ shards, nodes, sendMs }: Plan): number {
  return shards * nodes * PIECES_OF_A_MOVE * sendMs;
}
