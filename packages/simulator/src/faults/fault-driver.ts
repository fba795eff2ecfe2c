/**
 * Makes things go wrong: one fault after the other, drawn from those the plan switched on, each with its own end.
 * `stop` ends all of them: what was cut is mended, what was paused goes on, what was down comes up.
 */
import { EVENT_IDS } from '@dshard/protocol';
import type { StartAnswer } from '@dshard/gateway-emulator/core';
import { askToReconnect, deafen, drop, expire, invalidate, setStartAnswer } from '@dshard/gateway-emulator/core';
import type { CutDirection, MemoryNetwork, VirtualClock } from '@dshard/testkit';
import type { Observe } from '../observation.js';
import type { FaultName, Plan } from '../plan.js';
import type { Draw } from '../random.js';
import type { BotProcess } from '../world/bot-process.js';
import type { SimDiscord } from '../discord/discord.js';
import type { Fleet } from '../world/fleet.js';
import type { Orchestrators } from '../world/orchestrators.js';
import { clusterFaults } from './cluster-faults.js';
import type { Death, VirtualProcess } from '../world/virtual-process.js';
import { hostFault } from './hosts.js';

export type FaultDriverOptions = {
  plan: Plan;
  draw: Draw;
  world: VirtualClock;
  control: MemoryNetwork;
  gateway: MemoryNetwork;
  discord: SimDiscord;
  fleet: Fleet;
  orchestrators: Orchestrators;
  observe: Observe;
};

const DEATHS: readonly Death[] = ['abort', 'flush', 'silent'];
const DIRECTIONS: readonly CutDirection[] = ['both', 'in', 'out'];
/** How soon a poisoned shard kills its node. */
const POISON_ACTS_MS = 250;
/** Messages after or before which the sender may be gone for good. */
const SAID_BY_NODES = [
  'identify',
  'heartbeat',
  'startShards',
  'stopShard',
  'prepareMigration',
  'allUserDataSent',
  'identifyRequest',
  'identifyFinished',
  'transferOpened',
  'shardMayLeave',
  'transferCopied',
  'transferWarm',
  'transferData',
  'transferManifest',
  'transferVerified',
  'transferReleased',
  'transferActivated',
  'transferFailed',
  'shutdown',
] as const;
const SAID_BY_ORCHESTRATOR = [
  'identified',
  'startShards',
  'resumeShards',
  'stopShard',
  'prepareMigration',
  'startMigration',
  'identifyGranted',
  'shardLeaving',
  'transferOpen',
  'transferCopy',
  'transferWarmUp',
  'transferFreeze',
  'transferManifest',
  'transferRelease',
  'transferActivate',
  'transferDone',
  'transferAbort',
  'shutdown',
] as const;
const LONGEST_MS = 25_000;
const LONGEST_OUTAGE_MS = 15_000;
/** Several times what any step may take. */
const LONGEST_ABSENCE_MS = 40_000;
const LONGEST_TWIN_MS = 10_000;
/** Sessions live for 40 s, and operators may stop a shard meanwhile. */
const LONGEST_ANSWERS_MS = 10_000;
const BETWEEN_ANSWERS_MS = 20_000;

export class FaultDriver {
  readonly #options: FaultDriverOptions;
  /** What ends the faults under way. */
  readonly #ends = new Set<() => void>();
  readonly #actions: Readonly<Partial<Record<FaultName, () => void>>>;
  #running = false;
  #nextAnswersAt = 0;

  constructor(options: FaultDriverOptions) {
    this.#options = options;
    this.#actions = {
      op7: () => this.#onShards('op7', askToReconnect),
      op9true: () => this.#onShards('op9true', (state, selector, now) => invalidate(state, selector, true, now)),
      op9false: () => this.#onShards('op9false', (state, selector, now) => invalidate(state, selector, false, now)),
      expiry: () => this.#onShards('expiry', expire),
      deaf: () => this.#onShards('deaf', deafen),
      drops: () => this.#drops(),
      deadResumeUrl: () => this.#deadResumeUrl(),
      away: () => this.#away(),
      twins: () => this.#twin(),
      muteResumes: () => this.#answerResumes('muteResumes', 'never'),
      op9storm: () => this.#answerResumes('op9storm', 'resumable'),
      resets: () => this.#reset(),
      partitions: () => this.#partition(),
      pauses: () => this.#pause(),
      kills: () => this.#kill(),
      poison: () => this.#poison(),
      orchestrator: () => this.#orchestrator(),
      ambushedNodes: () => this.#ambushNode(),
      ambushedOrchestrator: () => this.#ambushOrchestrator(),
      disk: () => this.#disk(),
      spool: () => this.#spool(),
      hosts: () => this.#host(),
      ...clusterFaults({
        ...options,
        note: (fault, target) => this.#note(fault, target),
        forAWhile: (longestMs, end) => this.#forAWhile(longestMs, end),
        apart: (node) => this.#apart(node),
      }),
    };
  }

  start(): void {
    this.#running = true;
    this.#next();
  }

  stop(): void {
    this.#running = false;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  #next(): void {
    const { plan, draw, world } = this.#options;
    const possible = [...plan.faults].filter((fault) => this.#actions[fault] !== undefined);
    world.after(-Math.log(1 - draw.next()) * plan.faultEveryMs, () => {
      const fault = draw.pick(possible);
      if (!this.#running || fault === undefined) return;
      this.#actions[fault]?.();
      this.#next();
    });
  }

  #note(fault: FaultName, target: string): void {
    this.#options.observe({ kind: 'fault', fault, target });
  }

  /** Something begins now and ends after a while, or with all faults. */
  #forAWhile(longestMs: number, end: () => void): void {
    const { world, draw } = this.#options;
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    // Short ones are more common, long ones outlast every timeout.
    world.after(longestMs * draw.next() ** 2, once);
  }

  /** The node and the orchestrator do not hear each other. Returns what says that they could again. */
  #apart(node: string): () => void {
    const { observe } = this.#options;
    observe({ kind: 'apart', node, begins: true });
    return () => observe({ kind: 'apart', node, begins: false });
  }

  #host(): void {
    const { plan } = this.#options;
    const forAWhile = (end: () => void): void => this.#forAWhile(LONGEST_MS, end);
    hostFault({ ...this.#options, seed: plan.seed, forAWhile });
  }

  #someNode(): BotProcess | undefined {
    return this.#options.draw.pick(this.#options.fleet.living);
  }

  #onShards(
    fault: FaultName,
    act: (...args: Parameters<typeof askToReconnect>) => ReturnType<typeof askToReconnect>,
  ): void {
    const { plan, draw, discord } = this.#options;
    const shards = draw.chance(0.2) ? [...Array(plan.shards).keys()] : [draw.whole(0, plan.shards - 1)];
    this.#note(fault, `shards ${shards.join(' ')}`);
    discord.fault((state, now) => act(state, { shards }, now));
  }

  #drops(): void {
    const code = this.#options.draw.pick([null, 4000, 4008, 1001]) ?? null;
    this.#onShards('drops', (state, selector, now) => drop(state, selector, code, now));
  }

  #deadResumeUrl(): void {
    const { discord } = this.#options;
    if (!discord.isResumeHostUp) return;
    this.#note('deadResumeUrl', 'resume host');
    void discord.resumeHostDown();
    this.#forAWhile(LONGEST_OUTAGE_MS, () => void discord.resumeHostUp());
  }

  /** Discord's gateway is away; sessions live on. */
  #away(): void {
    const { discord } = this.#options;
    if (discord.isAway) return;
    this.#note('away', 'the gateway');
    void discord.goAway();
    this.#forAWhile(LONGEST_ABSENCE_MS, () => void discord.comeBack());
  }

  /** A second process with the node id of one that lives. */
  #twin(): void {
    const { fleet } = this.#options;
    const bot = this.#someNode();
    if (bot === undefined || bot.baseLevel) return;
    const twin = fleet.spawnTwin(bot.name);
    if (twin === null) return;
    this.#note('twins', bot.name);
    this.#forAWhile(LONGEST_TWIN_MS, () => twin.die('abort', 'was killed'));
  }

  /** Of some shards, or of all. Short enough, and far enough from the next, for their sessions to live on. */
  #answerResumes(fault: FaultName, answer: StartAnswer): void {
    const { plan, draw, discord, world } = this.#options;
    if (world.monotonicMs() < this.#nextAnswersAt) return;
    this.#nextAnswersAt = world.monotonicMs() + LONGEST_ANSWERS_MS + BETWEEN_ANSWERS_MS;
    const shards = draw.chance(0.5) ? null : new Set([draw.whole(0, plan.shards - 1)]);
    this.#note(fault, shards === null ? 'all shards' : `shard ${[...shards].join(' ')}`);
    const rule = (what: StartAnswer): void =>
      setStartAnswer(discord.state.answers, 'resume', { answer: what, shards, until: null }, world.now());
    rule(answer);
    this.#forAWhile(LONGEST_ANSWERS_MS, () => rule('serve'));
  }

  #reset(): void {
    const { draw, control, gateway } = this.#options;
    const bot = this.#someNode();
    if (bot === undefined) return;
    const everything = draw.chance(0.2);
    this.#note('resets', everything ? 'all nodes' : bot.name);
    control.reset(everything ? undefined : bot.name);
    if (draw.chance(0.3)) gateway.reset(bot.name);
  }

  #partition(): void {
    const { draw, control, gateway } = this.#options;
    const bot = this.#someNode();
    if (bot === undefined) return;
    const direction = draw.pick(DIRECTIONS) ?? 'both';
    const networks = draw.pick([[control], [control], [gateway], [control, gateway]]) ?? [control];
    this.#note(
      'partitions',
      `${bot.name} (${direction}, ${networks.length === 2 ? 'both networks' : networks[0] === control ? 'control' : 'gateway'})`,
    );
    for (const network of networks) network.cut(bot.name, direction);
    const together = networks.includes(control) ? this.#apart(bot.name) : () => undefined;
    this.#forAWhile(LONGEST_MS, () => {
      for (const network of networks) network.mend(bot.name);
      together();
      // Only TCP itself notices for a node without heartbeats that its connection is dead.
      if (bot.baseLevel) control.reset(bot.name);
    });
  }

  #pause(): void {
    const { draw, orchestrators } = this.#options;
    const bot = this.#someNode();
    const target: VirtualProcess | null | undefined = draw.chance(0.2) ? orchestrators.process : bot?.process;
    if (target === undefined || target === null || target.paused) return;
    this.#note('pauses', target.name);
    target.pause();
    const together = this.#apart(target.name);
    this.#forAWhile(LONGEST_MS, () => {
      target.resume();
      together();
    });
  }

  #kill(): void {
    const { draw } = this.#options;
    const bot = this.#someNode();
    if (bot === undefined) return;
    const death = draw.pick(DEATHS) ?? 'abort';
    if (draw.chance(0.5)) {
      this.#note('kills', `${bot.name} (${death})`);
      bot.die(death, 'was killed');
      return;
    }
    const writes = draw.whole(0, 20);
    this.#note('kills', `${bot.name} (after ${writes} writes)`);
    bot.process.dieAtWrite(writes, () => bot.die('flush', 'was killed'));
  }

  /** A shard that kills every node it comes up on. */
  #poison(): void {
    const { plan, draw, fleet, world } = this.#options;
    const shard = draw.whole(0, plan.shards - 1);
    this.#note('poison', `shard ${shard}`);
    const cancel = world.every(POISON_ACTS_MS, () => {
      for (const bot of fleet.living) {
        if (bot.host.openShards().get(shard) === true) bot.die('abort', `was killed by shard ${shard}`);
      }
    });
    this.#forAWhile(LONGEST_MS, cancel);
  }

  #disk(): void {
    const { draw, orchestrators } = this.#options;
    const reason = draw.pick(['full', 'readOnly', 'broken'] as const) ?? 'full';
    const end = orchestrators.failWrites(reason);
    if (end === null) return;
    this.#note('disk', reason);
    this.#forAWhile(LONGEST_OUTAGE_MS, end);
  }

  /** What is parked is damaged or gone, or no more can be. */
  #spool(): void {
    const { draw, orchestrators } = this.#options;
    const { spool } = orchestrators;
    if (spool === null) return;
    const [file, content] = draw.pick([...spool.files]) ?? [];
    if (file === undefined || content === undefined || draw.chance(0.3)) {
      this.#note('spool', 'full');
      spool.isFull = true;
      this.#forAWhile(LONGEST_OUTAGE_MS, () => {
        spool.isFull = false;
      });
    } else if (draw.chance(0.5) && content.byteLength > 0) {
      this.#note('spool', `damages ${file}`);
      const at = draw.whole(0, content.byteLength - 1);
      content[at] = (content[at] ?? 0) ^ (1 << draw.whole(0, 7));
    } else {
      this.#note('spool', `loses ${file}`);
      spool.files.delete(file);
    }
  }

  /** At the very moment at which it says something that matters, a node dies, stops for a while, or is cut off. */
  #ambushNode(): void {
    const { draw, control } = this.#options;
    const bot = this.#someNode();
    const kind = draw.pick(SAID_BY_NODES);
    const trap = draw.pick(['kill', 'kill', 'pause', 'reset', 'cut'] as const);
    if (bot === undefined || kind === undefined) return;
    // Who is stopped before a write makes it later; on a connection that lives on nothing is lost.
    const before = draw.chance(0.5) && trap !== 'pause';
    const isOn = (): boolean => this.#running;
    const act = (): void => {
      this.#note('ambushedNodes', `${bot.name}: ${trap} ${before ? 'before' : 'after'} ${kind}`);
      if (trap === 'kill') bot.die('flush', 'was killed');
      else if (trap === 'reset') control.reset(bot.name);
      else if (trap === 'pause') {
        bot.process.pause();
        const together = this.#apart(bot.name);
        this.#forAWhile(LONGEST_MS, () => {
          bot.process.resume();
          together();
        });
      } else {
        control.cut(bot.name);
        const together = this.#apart(bot.name);
        this.#forAWhile(LONGEST_MS, () => {
          control.mend(bot.name);
          together();
          if (bot.baseLevel) control.reset(bot.name);
        });
      }
    };
    bot.process.ambush({ eventId: EVENT_IDS[kind], before, isOn, act });
  }

  /** The orchestrator dies at the very moment at which it says something that matters. */
  #ambushOrchestrator(): void {
    const { draw, orchestrators, world } = this.#options;
    const { process } = orchestrators;
    const kind = draw.pick(SAID_BY_ORCHESTRATOR);
    if (process === null || kind === undefined) return;
    const before = draw.chance(0.5);
    const isOn = (): boolean => this.#running && orchestrators.process === process;
    const act = (): void => {
      this.#note('ambushedOrchestrator', `killed ${before ? 'before' : 'after'} ${kind}`);
      orchestrators.crash('flush');
      this.#forAWhile(LONGEST_OUTAGE_MS, () => void world.after(1, () => orchestrators.start()));
    };
    process.ambush({ eventId: EVENT_IDS[kind], before, isOn, act });
  }

  #orchestrator(): void {
    const { draw, orchestrators, world } = this.#options;
    if (orchestrators.handle === null) return;
    this.#note('orchestrator', 'crash');
    if (draw.chance(0.4)) orchestrators.crash(draw.pick(['abort', 'flush']) ?? 'abort');
    else orchestrators.crashAfter(draw.whole(0, 25));
    this.#forAWhile(LONGEST_OUTAGE_MS, () => {
      // It may not have come to the effect at which it was to die.
      orchestrators.crash('abort');
      world.after(1, () => orchestrators.start());
    });
  }
}
