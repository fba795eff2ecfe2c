/**
 * Where the orchestrator sits: starts the production orchestrator in a virtual process, crashes it (at once, or in the
 * middle of the effects of a decision), starts the next one. Every decision is looked at: the domain's invariants hold
 * after each.
 */
import type {
  Leadership,
  MemoryDisk,
  Orchestrator,
  Settings,
  SpoolDisk,
  StateSpool,
  StateStore,
} from '@dshard/orchestrator';
import { createOrchestrator, lead, memoryDisk, memorySpool, spoolDisk } from '@dshard/orchestrator';
import type { Decide, DomainEvent, Effect, HistoryEntry, OrchestratorState } from '@dshard/orchestrator/domain';
import { assertInvariants, assertStep, decide, initialState } from '@dshard/orchestrator/domain';
import { EVENT_IDS, messageOf } from '@dshard/protocol';
import { delay, silentLogger, type Logger } from '@dshard/transport';
import type { MemoryNetwork, VirtualClock } from '@dshard/testkit';
import type { Observe } from '../observation.js';
import { drawFor, type Draw } from '../random.js';
import type { Trace } from '../trace.js';
import type { SimDiscord } from '../discord/discord.js';
import { wordsOfEffect, wordsOfEvent } from './domain-words.js';
import type { Fleet } from './fleet.js';
import { overheard } from './control-connection.js';
import { slowStore } from './slow-store.js';
import { simLauncher, type LaunchFault } from './sim-launcher.js';
import { VirtualProcess, type Death } from './virtual-process.js';

export const ORCHESTRATOR_ADDRESS = '127.0.0.1:7447';
const NAME = 'orchestrator';
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
  /** Whether it has a store. */
  durable: boolean;
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
  lateStore: boolean;
  wrapStore: (store: StateStore) => StateStore;
  /** Around the domain, for mutants. */
  wrapDecide: (decide: Decide) => Decide;
  wrapSpool: (spool: StateSpool) => StateSpool;
  onBroken: (what: string) => void;
};

/** `handle` null: it waits for its store. */
type Life = { process: VirtualProcess; handle: Orchestrator | null };

export class SimOrchestrator {
  readonly #options: SimOrchestratorOptions;
  /** What the store of all its lives has on disk. */
  readonly disk: MemoryDisk = memoryDisk();
  /** And what the state of parked shards lies on. */
  readonly spool: SpoolDisk = spoolDisk();
  #life: Life | null = null;
  #lives = 0;
  /** Crash when this many more effects were executed. */
  #effectsToLive: number | null = null;
  decisions = 0;

  constructor(options: SimOrchestratorOptions) {
    this.#options = options;
  }

  /** null: it is down. */
  get handle(): Orchestrator | null {
    return this.#life?.handle ?? null;
  }

  get process(): VirtualProcess | null {
    return this.#life?.process ?? null;
  }

  start(): void {
    if (this.#life !== null) return;
    const { world, observe } = this.#options;
    this.#lives += 1;
    this.#effectsToLive = null;
    const life: Life = { process: new VirtualProcess(NAME, world), handle: null };
    this.#life = life;
    observe({ kind: 'processStarted', name: NAME });
    void this.#live(life).catch(() => {
      if (this.#life !== life) return;
      this.crash('abort');
      world.after(RESTART_MS, () => this.start());
    });
  }

  /** Rejects when it cannot start: its store does not work. */
  async #live(life: Life): Promise<void> {
    const { seed, token, settings, control, discord, fleet, random, nextLaunchFault, durable, wrapSpool } =
      this.#options;
    const { process } = life;
    const { clock } = process;
    const logger = this.#logger(process);
    const spoolTakes = drawFor(seed, `spool ${this.#lives}`);
    const leadership = durable ? await this.#lead(process, logger) : null;
    const handle = createOrchestrator(
      {
        listen: ORCHESTRATOR_ADDRESS,
        token,
        settings,
        stopGraceMs: STOP_GRACE_MS,
        clock,
        random: drawFor(seed, `orchestrator ${this.#lives}`),
        transport: overheard(process.transport(control.member(NAME)), JUSTIFIED, (message) => {
          if (process.alive) this.#options.observe({ kind: 'said', message, kept: (record) => this.#kept(record) });
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
        leadership,
      },
      { decide: this.#watched(process), initialState },
    );
    life.handle = handle;
    handle.onEntry((entry) => this.#options.observe({ kind: 'recorded', entry }));
    await handle.start();
  }

  #kept(record: string): unknown {
    const json = this.disk.records.get(record)?.json;
    return json === undefined ? null : JSON.parse(json);
  }

  #lead(process: VirtualProcess, logger: Logger): Promise<Leadership> {
    const { clock } = process;
    const random = drawFor(this.#options.seed, `disk ${this.#lives}`);
    const { lateStore, wrapStore } = this.#options;
    return lead(wrapStore(slowStore({ disk: this.disk, clock, random, late: lateStore })), {
      identity: { id: `life-${this.#lives}`, host: 'here', pid: this.#lives, process: null, boot: 'boot', since: 0 },
      standby: false,
      clock,
      logger,
      // There is one machine, and what ran on it before is known to be dead.
      liveness: () => 'dead',
    });
  }

  crash(death: Death): void {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    life.process.kill(death);
    this.#options.observe({ kind: 'processEnded', name: NAME, how: 'was killed' });
  }

  /** Crashes in the middle of the effects of a decision: after `effects` further ones. */
  crashAfter(effects: number): void {
    this.#effectsToLive = effects;
  }

  #watched(process: VirtualProcess): Decide {
    const { trace, observe, wrapDecide, onBroken, world, durable, random } = this.#options;
    const wrapped = wrapDecide(decide);
    let dying = false;
    return (state, event, now) => {
      if (dying || !process.alive) return { state, effects: [] };
      this.decisions += 1;
      trace.say(NAME, `⟵ ${wordsOfEvent(event, state)}`);
      const decision = wrapped(state, event, now);
      checkInvariants(state, decision.state, event, onBroken);
      const effects = this.#executed(decision.effects);
      for (const effect of effects) {
        const words = wordsOfEffect(effect, decision.state);
        if (words !== null) trace.say(NAME, words);
      }
      observe({ kind: 'decided', state: decision.state, entries: entriesOf(effects) });
      if (effects.length < decision.effects.length) {
        dying = true;
        trace.say(NAME, `dies with ${decision.effects.length - effects.length} effects not executed`);
        // What was executed is flushed at the end of this turn; with a store it has to be committed before.
        world.after(durable ? random.between(0, MOST_COMMIT_MS) : 0, () => {
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
    const { trace, onBroken } = this.#options;
    return {
      ...silentLogger,
      error: (fields, message) => {
        if (!process.alive) return;
        trace.say(NAME, `log: ${message}`);
        if (fields['event'] === undefined) onBroken(`the runtime reports: ${message}`);
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
