/** What is wrong with the fleet now: a pure function of the state, and of the store's. */
import { counted } from '@dshard/protocol';
import { complaintOf } from '../state/signals.js';
import { inWords } from '../state/spans.js';
import { shardsNotUp, type ConditionKind, type Down } from '../shards/condition.js';
import { budgetLastsMs, paceOf, sessionStarts } from '../shards/identify-budget.js';
import { isConnected, isLeaving } from '../state/nodes.js';
import { operationsOfKind } from '../state/operations.js';
import { isCrashLoop } from '../state/processes.js';
import type { OrchestratorState } from '../state/state.js';
import { survey } from '../state/survey.js';
import type { AlarmKind, Trouble } from './alarms.js';
import { rolloutTroubles } from './rollout-troubles.js';

export type Facts = {
  state: OrchestratorState;
  store: { state: string; since: number; problem: string | null };
  /** From when on a shard that is down is a trouble. */
  shardsDownAfterMs: number;
  now: number;
};

/** Questions to Discord that fail in a row before it counts as away. */
const FAILED_QUESTIONS = 3;
/** A refused process tries again every 30 s. */
const TAKEN_ID_LASTS_MS = 90_000;
/** Fewer IDENTIFYs than this in a day forecast nothing. */
const FORECAST_FROM = 100;
const CREDENTIALS: ReadonlySet<number | null> = new Set([4004, 4013, 4014]);

type Told = Omit<Trouble, 'key'> & { key?: string };

export function troublesOf(facts: Facts): readonly Trouble[] {
  const { state } = facts;
  if (state.ending !== null) return [];
  const down = shardsNotUp(state, facts.now);
  const told = [
    ...refusedShards(down),
    shardsDown(facts, down),
    shardsSilent(state),
    tokenRefused(state),
    gatewayUnreachable(state, down),
    crashLoop(state, down),
    budgetLow(state, facts.now),
    budgetForecast(state, facts.now),
    moreShardsRecommended(state),
    storeSuspended(facts),
    cutOff(state),
    ...takenIds(state, facts.now),
    versionSkew(state),
    botUnwell(state),
    ...rolloutTroubles(state),
  ];
  return told.flatMap((each) => (each === null ? [] : [{ ...each, key: each.key ?? each.kind }]));
}

function trouble(kind: AlarmKind, since: number | null, reason: string, about: Partial<Told> = {}): Told {
  return { kind, since, reason, shards: [], nodes: [], ...about };
}

function earliest(down: readonly Down[]): number {
  return down.reduce((least, { condition }) => Math.min(least, condition.since), Number.POSITIVE_INFINITY);
}

/** One alarm for each close code. */
function refusedShards(down: readonly Down[]): Told[] {
  return [...groupByCode(down)].flatMap(([code, some]) => {
    if (code === null) return [];
    const kind = CREDENTIALS.has(code) ? 'credentialsRefused' : 'shardRefused';
    const why = some[0]?.condition.why ?? '';
    const reason = `${countOf(some)} refused by Discord with close code ${code}: ${why}.`;
    return [trouble(kind, earliest(some), reason, { key: `${kind}:${code}`, ...about(some) })];
  });
}

function groupByCode(down: readonly Down[]): Map<number | null, Down[]> {
  const groups = new Map<number | null, Down[]>();
  for (const each of down) {
    const group = groups.get(each.condition.code);
    if (group === undefined) groups.set(each.condition.code, [each]);
    else group.push(each);
  }
  return groups;
}

/** What somebody wants down, or has to mend, or what comes up at Discord's own pace, has alarms of its own or none. */
const NOT_COUNTED: ReadonlySet<ConditionKind> = new Set(['refused', 'quarantined', 'waitingToIdentify']);

function shardsDown({ state, shardsDownAfterMs, now }: Facts, down: readonly Down[]): Told | null {
  const { ensureAllShardsRunning } = state.settings;
  const long = down.filter(({ condition: { kind, since } }) => {
    if (NOT_COUNTED.has(kind) || (kind === 'vacant' && !ensureAllShardsRunning)) return false;
    return since + shardsDownAfterMs <= now;
  });
  if (long.length === 0) return null;
  return trouble('shardsDown', earliest(long), `${countOf(long)} down: ${reasonsOf(long)}.`, about(long));
}

/** Up, and without events for an unusual time: the nodes know what is usual. */
function shardsSilent({ shards }: OrchestratorState): Told | null {
  const silent = shards.flatMap((state, shard) =>
    state.kind === 'running' && state.link?.silentMs !== undefined
      ? [{ shard, node: state.node, forMs: state.link.silentMs }]
      : [],
  );
  const [first] = silent;
  if (first === undefined) return null;
  const longestMs = Math.max(...silent.map(({ forMs }) => forMs));
  const which = silent.length === 1 ? `Shard ${first.shard} has` : `${silent.length} shards have`;
  const reason = `${which} had no event for ${silent.length === 1 ? '' : 'up to '}${inWords(longestMs)}, which is unusual, and RESUME brought nothing.`;
  const nodes = [...new Set(silent.map(({ node }) => node))];
  return trouble('shardSilent', null, reason, { shards: silent.map(({ shard }) => shard), nodes });
}

/** The orchestrator's own token; nodes may have another one. */
function tokenRefused({ gateway }: OrchestratorState): Told | null {
  const refused = gateway.kind === 'failed' || gateway.kind === 'asking' ? gateway.refused : null;
  return refused === null ? null : trouble('credentialsRefused', null, `${refused}.`);
}

function gatewayUnreachable(state: OrchestratorState, down: readonly Down[]): Told | null {
  const cut = down.filter(({ condition }) => condition.kind === 'disconnected');
  const placed = state.shards.filter((shard) => shard.kind !== 'vacant').length;
  if (cut.length > 0 && cut.length > placed / 2) {
    const reason = `${countOf(cut)} without a connection to Discord’s gateway, of ${placed}: ${reasonsOf(cut)}.`;
    return trouble('gatewayUnreachable', earliest(cut), reason, about(cut));
  }
  const { gateway } = state;
  if (gateway.kind !== 'failed' || gateway.refused !== null || gateway.failures < FAILED_QUESTIONS) return null;
  const reason = `GET /gateway/bot failed ${gateway.failures} times in a row: ${gateway.reason}.`;
  return trouble('gatewayUnreachable', null, reason);
}

function crashLoop(state: OrchestratorState, down: readonly Down[]): Told | null {
  const quarantined = down.filter(({ condition }) => condition.kind === 'quarantined');
  if (quarantined.length > 0) {
    const reason = `${countOf(quarantined)} quarantined: ${reasonsOf(quarantined)}.`;
    return trouble('crashLoop', earliest(quarantined), reason, { shards: quarantined.map(({ shard }) => shard) });
  }
  const loop = [...state.crashLoops.values()].findLast(isCrashLoop);
  if (loop === undefined) return null;
  const text = `${loop.inARow} launched processes died in a row. The last one: ${loop.reason}.`;
  return trouble('crashLoop', loop.since, text);
}

function budgetLow(state: OrchestratorState, now: number): Told | null {
  const { remaining, total, reserve, resetAt } = sessionStarts(state, now);
  const { shortSince } = state.identifies;
  if (shortSince === null && remaining > reserve) return null;
  const until = resetAt === null ? '' : ` More are there in ${inWords(resetAt - now)}.`;
  const reason = `${remaining} of ${total} session starts are left, and ${reserve} are kept in reserve.${until}`;
  return trouble('identifyBudgetLow', shortSince, reason);
}

/** By our own count since the day began. */
function budgetForecast(state: OrchestratorState, now: number): Told | null {
  const pace = paceOf(state, now);
  const lastsMs = budgetLastsMs(state, now);
  if (pace === null || lastsMs === null) return null;
  const { used, goneMs, leftMs } = pace;
  // Where nothing is left, another alarm says so.
  if (used < FORECAST_FROM || lastsMs === 0 || lastsMs >= leftMs) return null;
  const reason = `${used} IDENTIFYs in ${Math.round(goneMs / 60_000)} min: at this pace the session starts last for another ${inWords(lastsMs)}.`;
  return trouble('identifyBudgetForecast', null, reason);
}

function moreShardsRecommended({ gateway, totalShards }: OrchestratorState): Told | null {
  if (gateway.kind !== 'known' || totalShards === null || gateway.recommendedShards <= totalShards) return null;
  const reason = `Discord recommends ${gateway.recommendedShards} shards, and ${totalShards} are all there are.`;
  return trouble('moreShardsRecommended', null, reason);
}

function storeSuspended({ store }: Facts): Told | null {
  if (store.state !== 'suspended') return null;
  return trouble('storeSuspended', store.since, store.problem ?? 'The store cannot be written.');
}

function cutOff({ alarm }: OrchestratorState): Told | null {
  if (alarm === null) return null;
  const { silent, hosts } = alarm;
  const where = hosts.length === 0 ? '' : ` on ${counted(hosts.length, 'host')} (${hosts.join(', ')})`;
  const reason = `${silent.length} nodes are silent${where}, and none of them is known to be dead.`;
  return trouble('orchestratorCutOff', alarm.since, reason, { nodes: alarm.silent });
}

function takenIds({ takenIds: taken }: OrchestratorState, now: number): Told[] {
  return [...taken].flatMap(([node, { since, at, text }]) =>
    at + TAKEN_ID_LASTS_MS < now
      ? []
      : [trouble('nodeIdTaken', since, text, { key: `nodeIdTaken:${node}`, nodes: [node] })],
  );
}

function versionSkew(state: OrchestratorState): Told | null {
  if (operationsOfKind(state.operations, 'rollout').length > 0) return null;
  const { byNode } = survey(state.shards);
  const serving = [...state.nodes.values()].filter(
    (node) => isConnected(node) && !isLeaving(node) && (byNode.get(node.id)?.length ?? 0) > 0,
  );
  const versions = new Set(serving.map(({ version }) => version));
  if (versions.size < 2) return null;
  const reason = `${serving.length} nodes have shards, of the versions ${[...versions].sort().join(', ')}.`;
  return trouble('versionSkew', null, reason, { nodes: serving.map(({ id }) => id) });
}

function botUnwell({ nodes }: OrchestratorState): Told | null {
  const unwell = [...nodes.values()].flatMap((node) => {
    const complaint = isConnected(node) ? complaintOf(node.signals) : null;
    return complaint === null ? [] : [{ id: node.id, complaint }];
  });
  const [first] = unwell;
  if (first === undefined) return null;
  const others = unwell.length === 1 ? '' : `, and ${counted(unwell.length - 1, 'other node')} have complaints`;
  const reason = `Node ${first.id} ${first.complaint}${others}.`;
  return trouble('botUnwell', null, reason, { nodes: unwell.map(({ id }) => id) });
}

function about(down: readonly Down[]): Pick<Trouble, 'shards' | 'nodes'> {
  const nodes = down.flatMap(({ condition }) => (condition.node === null ? [] : [condition.node]));
  return { shards: down.map(({ shard }) => shard), nodes: [...new Set(nodes)] };
}

function countOf(down: readonly Down[]): string {
  return down.length === 1 ? `Shard ${down[0]?.shard} is` : `${down.length} shards are`;
}

const MOST_REASONS = 3;

/** The commonest first. */
function reasonsOf(down: readonly Down[]): string {
  const counts = new Map<string, number>();
  for (const { condition } of down) {
    const text = condition.why === null ? condition.kind : `${condition.kind} (${condition.why})`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, MOST_REASONS).map(([text, count]) => (sorted.length === 1 ? text : `${count} ${text}`));
  return sorted.length > MOST_REASONS ? `${shown.join('; ')}; and others` : shown.join('; ');
}
