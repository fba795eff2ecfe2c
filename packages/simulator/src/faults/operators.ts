/**
 * Operators, who do anything at any time, and like to meddle with shards that have just been given to a node: what is
 * half done then is the hardest to undo, and drawn by chance alone it would hardly ever be hit. At the end they tidy
 * up: what is cordoned is uncordoned, bots that were not well are, what is quarantined released, and of nodes that are
 * silent and dead they say so.
 */
import type { OperatorCommand, Orchestrator } from '@dshard/orchestrator';
import type { ShardState } from '@dshard/orchestrator/domain';
import type { VirtualClock } from '@dshard/testkit';
import type { Plan } from '../plan.js';
import type { Draw } from '../random.js';
import type { Fleet } from '../world/fleet.js';
import type { Orchestrators } from '../world/orchestrators.js';
import { uncordonHosts } from './hosts.js';

type NewShard = Extract<ShardState, { kind: 'starting' | 'running' }>;

export type OperatorsOptions = {
  plan: Plan;
  draw: Draw;
  world: VirtualClock;
  orchestrators: Orchestrators;
  fleet: Fleet;
};

const MEAN_PAUSE_MS = 2_500;
const MEAN_GENTLE_PAUSE_MS = 1_200;
const LOOK_EVERY_MS = 100;
/** How long a shard is new to its node. */
const NEW_MS = 400;
/** How often an operator's step is SIGTERM to a process. */
const ENDS_A_PROCESS = 0.08;
/** Docker's. */
const SCHEDULER_GRACE_MS = 10_000;
/** The share of looks at a new shard that an operator follows by a command. */
const MEDDLES = 0.05;
/** With each command of an operator. */
const COMPLAINS = 0.05;

function scale(nodes: number): OperatorCommand {
  return { kind: 'startOperation', plan: { kind: 'scale', nodes }, answer: 'ended' };
}

export class Operators {
  readonly #options: OperatorsOptions;
  #running = false;

  constructor(options: OperatorsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#next();
    this.#options.world.every(LOOK_EVERY_MS, () => this.#meddle());
  }

  stop(): void {
    this.#running = false;
  }

  /** Once faults are over. */
  tidyUp(): void {
    const { orchestrators, fleet } = this.#options;
    const { handle } = orchestrators;
    for (const bot of fleet.living) bot.complaint = null;
    for (const { id, intent, connection } of handle?.state.nodes.values() ?? []) {
      if (intent.kind === 'cordoned') void handle?.command({ kind: 'uncordonNode', node: id });
      const isSilent = connection.kind === 'disconnected' && !connection.gone;
      if (isSilent && fleet.get(id) === undefined) void handle?.command({ kind: 'takeOverNode', node: id });
    }
    uncordonHosts(orchestrators);
    void handle?.command({ kind: 'steerRollout', action: 'resume' });
    for (const [shard, { quarantinedAt }] of handle?.state.crashRecords ?? []) {
      if (quarantinedAt !== null) void handle?.command({ kind: 'unquarantine', shards: [shard] });
    }
  }

  #next(): void {
    const { draw, world, orchestrators, plan } = this.#options;
    const pauseMs = plan.gentle ? MEAN_GENTLE_PAUSE_MS : MEAN_PAUSE_MS;
    world.after(-Math.log(1 - draw.next()) * pauseMs, () => {
      if (!this.#running) return;
      const { handle } = orchestrators;
      if (draw.chance(ENDS_A_PROCESS)) this.#endAProcess();
      const command = handle === null ? null : this.#draw(handle);
      if (command !== null) void handle?.command(command);
      this.#next();
    });
  }

  /** Not through the orchestrator: a scheduler, or a person at the machine. */
  #endAProcess(): void {
    const { draw, fleet } = this.#options;
    draw.pick(fleet.living)?.endBy(SCHEDULER_GRACE_MS);
  }

  #meddle(): void {
    const { draw, world, orchestrators } = this.#options;
    const { handle } = orchestrators;
    if (!this.#running || handle === null) return;
    const { shards } = handle.state;
    const isNew = (shard: (typeof shards)[number]): shard is NewShard =>
      (shard.kind === 'starting' || shard.kind === 'running') && world.now() - shard.since < NEW_MS;
    const found = draw.pick([...shards.entries()].filter((entry): entry is [number, NewShard] => isNew(entry[1])));
    if (found === undefined || !draw.chance(MEDDLES)) return;
    const [shard, { node }] = found;
    const command = draw.pick([
      { kind: 'stopShard', shard },
      { kind: 'shutdownNode', node, now: true },
      { kind: 'migrateShard', shard, destination: draw.pick([...handle.state.nodes.keys()]) ?? node },
    ] as const);
    if (command !== undefined) void handle.command(command);
  }

  /** A bot finds that it is not well, or that it is again. */
  #complain(): void {
    const { draw, fleet } = this.#options;
    if (!draw.chance(COMPLAINS)) return;
    const bot = draw.pick(fleet.living);
    if (bot !== undefined) bot.complaint = bot.complaint === null ? 'no database' : null;
  }

  /** Watched or not, and steered when it is under way. */
  #rollout({ operations }: Orchestrator['state']): OperatorCommand {
    const { draw } = this.#options;
    const isUnderWay = [...operations.values()].some(({ kind }) => kind === 'rollout');
    if (isUnderWay && draw.chance(0.7)) {
      return { kind: 'steerRollout', action: draw.pick(['pause', 'resume', 'undo'] as const) ?? 'undo' };
    }
    const watched = { bake: draw.whole(200, 1_000), surge: draw.pick([null, 1, 2]) ?? null };
    const options = draw.chance(0.6) ? watched : {};
    return { kind: 'startOperation', plan: { kind: 'rollout', force: true, ...options }, answer: 'ended' };
  }

  #draw({ state }: Orchestrator): OperatorCommand | null {
    const { draw, plan } = this.#options;
    const nodes = [...state.nodes.keys()];
    const node = draw.pick(nodes);
    const other = draw.pick(nodes.filter((id) => id !== node));
    if (node === undefined) return null;
    const shard = draw.whole(0, plan.shards - 1);
    this.#complain();
    const roll = draw.next();
    const operation = draw.pick([...state.operations.keys()]);
    if (operation !== undefined && draw.chance(0.2)) return { kind: 'cancelOperation', operation };
    if (roll < 0.1) return { kind: 'parkShard', shard };
    if (roll < 0.55) return { kind: 'migrateShard', shard, destination: node };
    if (roll < 0.7 && other !== undefined) {
      const destination = draw.chance(0.5) ? other : null;
      const deadline = draw.chance(0.3) ? draw.whole(100, 5_000) : null;
      const plan = { kind: 'drain', origins: [node], destination, shutdown: draw.chance(0.3), deadline } as const;
      return { kind: 'startOperation', plan, answer: 'ended' };
    }
    if (roll < 0.76) return this.#rollout(state);
    if (roll < 0.77) return { kind: 'startOperation', plan: { kind: 'rebalance' }, answer: 'ended' };
    if (roll < 0.78) return scale(draw.whole(1, plan.nodes + 1));
    if (roll < 0.8) return { kind: 'stopShard', shard };
    if (roll < 0.85) return { kind: 'startShards', node, shards: [shard] };
    if (roll < 0.89) return { kind: 'cordonNode', node };
    if (roll < 0.94) return { kind: 'uncordonNode', node };
    if (roll < 0.95) return { kind: 'unquarantine', shards: [shard] };
    return roll < 0.98 ? { kind: 'shutdownNode', node, now: draw.chance(0.5) } : { kind: 'startNode' };
  }
}
