/**
 * What a rollout will do, before it does anything: which nodes are replaced and which are left alone, in which stages
 * the shards move, and what the warm old processes cost. Pure: the same state and options give the same plan.
 */
import { counted } from '@dshard/protocol';
import { isServing } from '../state/hosts.js';
import { drainedBy, isConnected, isLeaving, keptBy } from '../state/nodes.js';
import type { RolloutOptions, RolloutStage } from '../state/operations.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import { survey } from '../state/survey.js';
import { isOfQuarantinedVersion, quarantineOf } from '../state/versions.js';
import { notStarted, type Started } from './operation.js';

/** The ancestor's `/fullmigration`, benchmarks and demos: node after node, and nothing is watched. */
export const WITHOUT_BAKE: RolloutOptions = {
  bake: 0,
  canary: null,
  surge: 1,
  fast: false,
  manual: false,
  force: false,
  to: null,
  keepOld: 0,
};

export type RolloutPlan = {
  /** What a launch would start; '': not known. */
  version: string;
  /** What the nodes with shards were launched as; '': not known. */
  from: string;
  /** Nodes with shards. */
  replaced: readonly string[];
  /** Nodes without shards that are as old: they end with the last round. */
  empty: readonly string[];
  /** Not launched here. */
  leftAlone: readonly string[];
  shards: number;
  /** Of the first round. */
  stages: readonly RolloutStage[];
  /** What the old processes of a round keep, warm and empty, beside the new ones. null: they do not say. */
  warmBytes: number | null;
  /** Of these, what is not there yet: of new processes that are to be launched. */
  launchedBytes: number;
};

/** Loads as far as a rollout needs them: how many shards a node has to answer for. */
export function loadIn(state: OrchestratorState, node: string): number {
  const migrating = [...state.migrations.values()].filter(
    ({ origin, destination }) => origin === node || destination === node,
  );
  return (survey(state.shards).byNode.get(node)?.length ?? 0) + migrating.length;
}

export function planRollout(state: OrchestratorState, options: RolloutOptions): RolloutPlan {
  const connected = [...state.nodes.values()].filter((node) => isConnected(node) && !isLeaving(node));
  const busy = connected.filter(({ id }) => loadIn(state, id) > 0);
  const isOurs = ({ id }: NodeState): boolean => !state.settings.canLaunch || state.processes.has(id);
  const ours = busy.filter(isOurs);
  const old = new Set(ours.map(({ version }) => version));
  const empty = connected.filter(
    (node) =>
      state.settings.canLaunch &&
      isOurs(node) &&
      isServing(state, node) &&
      old.has(node.version) &&
      loadIn(state, node.id) === 0,
  );
  const shards = ours.reduce((sum, { id }) => sum + loadIn(state, id), 0);
  const first = ours.slice(0, options.surge ?? ours.length);
  const inRound = first.reduce((sum, { id }) => sum + loadIn(state, id), 0);
  const memory = first.map((node) => node.process?.memoryBytes ?? -1);
  const warmBytes = memory.some((bytes) => bytes < 0) ? null : memory.reduce((sum, bytes) => sum + bytes, 0);
  const replaced = ours.map(({ id }) => id);
  const launches = Math.max(0, first.length - freeNodes(state, replaced, options).length);
  return {
    version: options.to ?? state.deployedVersion,
    from: ours.map(({ id }) => state.processes.get(id)?.version ?? '').find((version) => version !== '') ?? '',
    replaced,
    empty: empty.map(({ id }) => id),
    leftAlone: busy.filter((node) => !isOurs(node)).map(({ id }) => id),
    shards,
    stages: stagesOf(options, { total: shards, before: 0, round: inRound }),
    warmBytes,
    launchedBytes: warmBytes === null ? 0 : (warmBytes / Math.max(1, first.length)) * launches,
  };
}

/** Why a rollout cannot be begun now; null: it can. */
export function refusalOf(
  state: OrchestratorState,
  plan: RolloutPlan,
  options: RolloutOptions,
): (Started & { ok: false }) | null {
  for (const operation of state.operations.values()) {
    if (operation.kind === 'rollout') {
      const { id, done, waiting, pairs } = operation;
      const left = pairs.length + waiting.length;
      const text = `Rollout ${id} is under way: ${counted(done.length, 'node')} replaced, ${left} to go.`;
      return notStarted('DSO_ROLLOUT_RUNNING', text);
    }
    const text = `Operation ${operation.id} (${operation.kind}) is under way; start the rollout when it has ended.`;
    return notStarted('DSO_NODE_BUSY', text);
  }
  if (plan.replaced.length === 0) return null;
  if (options.to !== null && !state.settings.launchesVersions) {
    return notStarted('DSO_VERSION_NOT_LAUNCHABLE', `${nameOf(options.to)} cannot be launched: ${NO_VERSIONS}`);
  }
  const known = quarantineOf(state, plan.version);
  if (known !== undefined && !options.force) {
    const text = `Version ${known.version} was reverted: ${known.reason}. Deploy another one, or insist with --force.`;
    return notStarted('DSO_VERSION_QUARANTINED', text);
  }
  if (state.rollouts.frozen && !options.force) {
    const text = 'Rollouts are frozen, for the last two were reverted one soon after the other. Insist with --force.';
    return notStarted('DSO_ROLLOUTS_FROZEN', text);
  }
  const short = options.force ? null : memoryLack(state, plan, options);
  if (short !== null) return notStarted('DSO_NOT_ENOUGH_MEMORY', short);
  if (!state.settings.canLaunch && freeNodes(state, plan.replaced, options).length === 0) {
    const text = 'There is no empty node to move shards to, and no node command to start one with.';
    return notStarted('DSO_NO_FREE_NODE', text);
  }
  return null;
}

/** Why a version cannot be named to the launcher, and what to do about it. */
export const NO_VERSIONS =
  'the node command has no {version}. Put {version} into launcher.command where the version goes, or deploy the version that you want, and `dso rollout`.';

/** The old processes stay, so new ones need as much as they do. null: there is as much, or nobody knows. */
function memoryLack({ availableBytes }: OrchestratorState, plan: RolloutPlan, options: RolloutOptions): string | null {
  const { launchedBytes, replaced } = plan;
  if (availableBytes === null || launchedBytes <= availableBytes) return null;
  const atOnce = Math.min(options.surge ?? replaced.length, replaced.length);
  const each = launchedBytes / Math.max(1, atOnce);
  const fitting = Math.floor(availableBytes / Math.max(1, each));
  const then =
    fitting > 0
      ? `Replace fewer at a time: \`dso rollout --surge ${fitting}\`.`
      : 'Not even one fits: make room, or `dso rollout --force`.';
  return `New processes beside the old ones need about ${megabytes(launchedBytes)} more, and this host has ${megabytes(availableBytes)} left. ${then}`;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** For people: one line each. */
export function linesOf(plan: RolloutPlan, options: RolloutOptions): string[] {
  const { replaced, empty, leftAlone, stages, warmBytes, version, shards } = plan;
  if (replaced.length === 0) return [nothingToDo(plan)];
  const launched = options.surge === null || options.surge >= replaced.length ? 'All' : `${options.surge}`;
  const warm = warmBytes === null ? 'how much is not known' : `about ${megabytes(warmBytes)}`;
  const after =
    options.keepOld > 0 ? `${options.keepOld / 1000} s after the end of the last bake` : 'the end of the last bake';
  const lines = [
    `Replacing ${counted(replaced.length, 'node')} with ${counted(shards, 'shard')} by ${nameOf(version)}: ${replaced.join(', ')}.`,
    `${launched} at a time: new processes are launched first. The old ones stay warm until ${after}, and need memory meanwhile: ${warm}.`,
    `Stages: ${stages.map(stageText).join(', ')}.${options.bake === 0 ? ' Nothing is watched (bake: 0).' : ''}`,
  ];
  if (empty.length > 0) lines.push(`Empty nodes that are as old are ended: ${empty.join(', ')}.`);
  if (leftAlone.length > 0) lines.push(`Left alone, for they were not launched here: ${leftAlone.join(', ')}.`);
  return lines;
}

export function nothingToDo({ leftAlone }: RolloutPlan): string {
  if (leftAlone.length === 0) return 'No connected node has shards, so there is nothing to replace.';
  const names = leftAlone.join(', ');
  return `There is nothing to replace: the nodes with shards were not launched here, and are left alone (${names}).`;
}

export function nameOf(version: string): string {
  return version === '' || version === 'unknown' ? 'the deployed version' : `version ${version}`;
}

function stageText({ shards, bakeMs }: RolloutStage): string {
  const moved = shards === null ? 'all' : counted(shards, 'shard');
  return bakeMs === 0 ? moved : `${moved} (then ${bakeMs / 1000} s)`;
}

/** The shares of all shards that bake, after the canary. */
const GATES: readonly { share: number; bakes: number }[] = [
  { share: 0.1, bakes: 1 },
  { share: 0.5, bakes: 0.5 },
];
/** A quick rollout bakes one canary, for so much of the bake. */
const FAST = 0.25;

/**
 * The stages of one round, as numbers of shards that were moved in it.
 *
 * @param of.before how many of all shards earlier rounds moved
 */
export function stagesOf(
  options: Pick<RolloutOptions, 'bake' | 'canary' | 'fast'>,
  { total, before, round }: { total: number; before: number; round: number },
): RolloutStage[] {
  const { bake, fast } = options;
  if (bake === 0) return [{ shards: null, bakeMs: 0 }];
  const canary = options.canary ?? Math.max(1, Math.ceil(total * 0.01));
  const whole = fast ? Math.round(bake * FAST) : bake;
  const gates = fast ? [] : GATES.map(({ share, bakes }) => ({ at: Math.ceil(total * share), bakeMs: bake * bakes }));
  const stages: RolloutStage[] = [];
  let reached = 0;
  for (const { at, bakeMs } of [{ at: canary, bakeMs: whole }, ...gates]) {
    const shards = at - before;
    if (shards <= reached || shards >= round) continue;
    stages.push({ shards, bakeMs: Math.round(bakeMs) });
    reached = shards;
  }
  return [...stages, { shards: null, bakeMs: whole }];
}

/**
 * Connected, empty, meant for nothing else. Those as old as what is replaced come last, and not at all where something
 * newer can be launched.
 */
export function freeNodes(
  state: OrchestratorState,
  replaced: readonly string[],
  { force, to }: Pick<RolloutOptions, 'force' | 'to'>,
): NodeState[] {
  const versions = new Set(replaced.map((id) => state.nodes.get(id)?.version));
  const isOld = ({ version }: NodeState): boolean => versions.has(version);
  const free = [...state.nodes.values()].filter(
    (node) =>
      isConnected(node) &&
      isServing(state, node) &&
      !replaced.includes(node.id) &&
      (force || !isOfQuarantinedVersion(state, node)) &&
      (to === null || state.processes.get(node.id)?.version === to) &&
      drainedBy(state, node.id) === undefined &&
      keptBy(state, node.id) === undefined &&
      loadIn(state, node.id) === 0,
  );
  const newer = free.filter((node) => !isOld(node));
  return state.settings.canLaunch ? newer : [...newer, ...free.filter(isOld)];
}
