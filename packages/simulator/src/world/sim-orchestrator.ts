/**
 * Where an orchestrator sits: starts the production orchestrator in a virtual process, crashes it (at once, or in the
 * middle of the effects of a decision), starts the next one. Every decision is looked at: the domain's invariants hold
 * after each.
 */
import type {
  Leadership,
  LeadOptions,
  Orchestrator,
  Settings,
  SpoolDisk,
  StateSpool,
  StateStore,
} from '@dshard/orchestrator';
import { createOrchestrator, lead, memorySpool, spoolDisk } from '@dshard/orchestrator';
import type { Decide, DomainEvent, Effect, HistoryEntry, OrchestratorState } from '@dshard/orchestrator/domain';
import { assertInvariants, assertStep, decide, initialState } from '@dshard/orchestrator/domain';
import { EVENT_IDS, messageOf, type Message } from '@dshard/protocol';
import { continuedClock, delay, silentLogger, type Clock, type Logger } from '@dshard/transport';
import type { MemoryNetwork, VirtualClock } from '@dshard/testkit';
import type { Observe } from '../observation.js';
import { drawFor, type Draw } from '../random.js';
import type { Trace } from '../trace.js';
import type { SimDiscord } from '../discord/discord.js';
import { wordsOfEffect, wordsOfEvent } from './domain-words.js';
import type { Fleet } from './fleet.js';
import { overheard } from './control-connection.js';
import type { Machine } from './machine.js';
import { plainStore, watchedStore, type SharedStore } from './shared-store.js';
import { simLauncher, type LaunchFault } from './sim-launcher.js';
import { VirtualProcess, type Death } from './virtual-process.js';

const STOP_GRACE_MS = 8_000;
const GATEWAY_ANSWER_MS = 60;
/** What must be true of the disk before it is said. */
const JUSTIFIED: ReadonlySet<number> = new Set(
  (
    [
      'startShards',
      'resumeShards',
      'stopShard',
      'shardTakenOver',
      'prepareMigration',
      'transferOpen',
      'transferRelease',
      'identifyGranted',
    ] as const
  ).map((kind) => EVENT_IDS[kind]),
);
/** What a commit usually takes at most. */
const MOST_COMMIT_MS = 10;
/** What the spool takes for a piece. */
const MOST_SPOOL_MS = 5;
/** Until somebody starts it again when it could not start. */
const RESTART_MS = 1_000;

export type SimOrchestratorOptions = {
  seed: number;
  settings: Settings;
  machine: Machine;
  /** null: it forgets everything when it ends. */
  store: SharedStore | null;
  world: VirtualClock;
  control: MemoryNetwork;
  discord: SimDiscord;
  fleet: Fleet;
  token: string | null;
  random: Draw;
  trace: Trace;
  observe: Observe;
  nextLaunchFault: () => LaunchFault | null;
  /** For mutants. */
  wrapStore: (store: StateStore) => StateStore;
  wrapLead: (options: LeadOptions) => LeadOptions;
  wrapLeadership: (leadership: Leadership) => Leadership;
  wrapClock: (clock: Clock) => Clock;
  /** Around the domain, for mutants. */
  wrapDecide: (decide: Decide) => Decide;
  wrapSpool: (spool: StateSpool) => StateSpool;
  onBroken: (what: string) => void;
};

/** `handle` null: it waits for its store, or for the leader's end. */
type Life = { process: VirtualProcess; handle: Orchestrator | null; epoch: number };

export class SimOrchestrator {
  readonly #options: SimOrchestratorOptions;
  /** What the state of parked shards lies on. */
  readonly spool: SpoolDisk = spoolDisk();
  #life: Life | null = null;
  #lives = 0;
  /** Crash when this many more effects were executed. */
  #effectsToLive: number | null = null;
  decisions = 0;

  constructor(options: SimOrchestratorOptions) {
    this.#options = options;
  }

  get machine(): Machine {
    return this.#options.machine;
  }

  /** Under which epoch it leads, or led when it was asked last. */
  get epoch(): number {
    return this.#life?.epoch ?? 0;
  }

  /** null: it is down, or waits. */
  get handle(): Orchestrator | null {
    return this.#life?.handle ?? null;
  }

  get process(): VirtualProcess | null {
    return this.#life?.process ?? null;
  }

  start(): void {
    if (this.#life !== null) return;
    const { world, observe, machine } = this.#options;
    this.#lives += 1;
    this.#effectsToLive = null;
    const process = new VirtualProcess(machine.name, world, machine.clock);
    const life: Life = { process, handle: null, epoch: 0 };
    this.#life = life;
    observe({ kind: 'processStarted', name: machine.name });
    const end = (): void => {
      if (this.#life !== life) return;
      this.crash('abort');
      world.after(RESTART_MS, () => this.start());
    };
    void this.#live(life).then(end, end);
  }

  /** Resolves when another one leads. Rejects when it cannot start: its store does not work. */
  async #live(life: Life): Promise<void> {
    const {
      seed,
      token,
      settings,
      control,
      discord,
      fleet,
      random,
      nextLaunchFault,
      store,
      wrapSpool,
      wrapLeadership,
    } = this.#options;
    const { machine, observe } = this.#options;
    const { process } = life;
    const logger = this.#logger(process);
    const spoolTakes = drawFor(seed, `spool ${machine.name} ${this.#lives}`);
    const ownClock = this.#options.wrapClock(process.clock);
    const leadership = store && (await this.#lead(store, { process, clock: ownClock, logger }));
    if (leadership !== null) life.epoch = leadership.epoch;
    observe({ kind: 'leads', name: machine.name, epoch: life.epoch });
    const clock = leadership?.store.hasOwnClock === true ? continuedClock(ownClock, leadership.aheadMs) : ownClock;
    const handle = createOrchestrator(
      {
        listen: machine.address,
        token,
        settings,
        stopGraceMs: STOP_GRACE_MS,
        clock,
        random: drawFor(seed, `${machine.name} ${this.#lives}`),
        transport: overheard(process.transport(control.member(machine.name)), JUSTIFIED, (message) => {
          if (process.alive) this.#said(life, message);
        }),
        launcher: settings.canLaunch ? simLauncher({ fleet, process, random, nextFault: nextLaunchFault }) : null,
        versionSource: null,
        gatewayInfo: {
          fetch: async () => {
            await delay(clock, GATEWAY_ANSWER_MS);
            return discord.info();
          },
        },
        spool: wrapSpool(memorySpool(this.spool, () => delay(clock, spoolTakes.between(0, MOST_SPOOL_MS)))),
        logger,
        leadership: leadership && wrapLeadership(leadership),
      },
      { decide: this.#watched(process), initialState },
    );
    life.handle = handle;
    handle.onEntry((entry) => observe({ kind: 'recorded', entry }));
    await handle.start();
    await handle.lost;
  }

  #said({ epoch }: Life, message: Message): void {
    const { observe, store, machine } = this.#options;
    const kept = (record: string): unknown => store?.kept(record) ?? null;
    observe({ kind: 'said', message, kept, by: machine.name, epoch, leads: store?.epoch() ?? epoch });
  }

  #lead(
    store: SharedStore,
    { process, clock, logger }: { process: VirtualProcess; clock: Clock; logger: Logger },
  ): Promise<Leadership> {
    const { wrapStore, wrapLead, machine, seed } = this.#options;
    const { host } = machine;
    const own = { id: `${machine.name}/${this.#lives}`, host, pid: this.#lives, process: null, boot: host, since: 0 };
    const opened = store.openFor({ process, clock, host, random: drawFor(seed, `disk ${this.#lives}`) });
    return lead(
      watchedStore(wrapStore(plainStore(opened)), (call) => {
        if (process.alive) this.#options.observe({ kind: 'stored', by: machine.name, ...call });
      }),
      wrapLead({
        identity: own,
        standby: store.isShared,
        clock,
        logger,
        // What ran on a machine before is known to be dead there.
        liveness: (leader) => (leader.host === host ? 'dead' : 'unknown'),
      }),
    );
  }

  crash(death: Death): void {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    life.process.kill(death);
    this.#options.observe({ kind: 'processEnded', name: this.machine.name, how: 'was killed' });
  }

  /** Crashes in the middle of the effects of a decision: after `effects` further ones. */
  crashAfter(effects: number): void {
    this.#effectsToLive = effects;
  }

  #watched(process: VirtualProcess): Decide {
    const { trace, observe, wrapDecide, onBroken, world, store, random, machine } = this.#options;
    const wrapped = wrapDecide(decide);
    let dying = false;
    return (state, event, now) => {
      if (dying || !process.alive) return { state, effects: [] };
      this.decisions += 1;
      trace.say(machine.name, `⟵ ${wordsOfEvent(event, state)}`);
      const decision = wrapped(state, event, now);
      checkInvariants(state, decision.state, event, onBroken);
      const effects = this.#executed(decision.effects);
      for (const effect of effects) {
        const words = wordsOfEffect(effect, decision.state);
        if (words !== null) trace.say(machine.name, words);
      }
      observe({ kind: 'decided', state: decision.state, entries: entriesOf(effects) });
      if (effects.length < decision.effects.length) {
        dying = true;
        trace.say(machine.name, `dies with ${decision.effects.length - effects.length} effects not executed`);
        // What was executed is flushed at the end of this turn; with a store it has to be committed before.
        world.after(store !== null ? random.between(0, MOST_COMMIT_MS) : 0, () => {
          if (this.#life?.process === process) this.crash('flush');
        });
      }
      return { state: decision.state, effects };
    };
  }

  #executed(effects: readonly Effect[]): readonly Effect[] {
    if (this.#effectsToLive === null) return effects;
    if (effects.length <= this.#effectsToLive) {
      this.#effectsToLive -= effects.length;
      return effects;
    }
    return effects.slice(0, this.#effectsToLive);
  }

  /** What goes wrong inside of the runtime is logged as an error there; here it is a finding. */
  #logger(process: VirtualProcess): Logger {
    const { trace, onBroken, machine } = this.#options;
    return {
      ...silentLogger,
      error: (fields, message) => {
        if (!process.alive) return;
        trace.say(machine.name, `log: ${message}`);
        if (fields['event'] === undefined && fields['code'] !== 'DSO_LEADERSHIP_LOST')
          onBroken(`the runtime reports: ${message}`);
      },
    };
  }
}

function entriesOf(effects: readonly Effect[]): readonly HistoryEntry[] {
  return effects.flatMap((effect) => (effect.kind === 'record' ? [effect.entry] : []));
}

function checkInvariants(
  before: OrchestratorState,
  state: OrchestratorState,
  event: DomainEvent,
  onBroken: (what: string) => void,
): void {
  try {
    assertInvariants(state);
    assertStep(before, state);
  } catch (error) {
    onBroken(`after ${wordsOfEvent(event, state)}: ${messageOf(error)}`);
  }
}
