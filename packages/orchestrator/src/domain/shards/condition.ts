/**
 * How each shard is: the one answer that status, the disruption budget, operations, alarms and probes share. *Up* means
 * that the gateway session is READY or RESUMED. Every other condition says since when, and why.
 */
import type { MigrationState, OrchestratorState, ShardState } from '../state/state.js';
import { isConnected, isLeaving } from '../state/nodes.js';
import { isPark, nameOfEnd } from '../state/park.js';
import { isRunningUp, reportsLinks, troubleOf, type ShardLink } from '../state/shard-link.js';
import { survey } from '../state/survey.js';
import { sessionStarts, hasSessionStart } from './identify-budget.js';
import { permitsBlockedUntil } from './identify-permits.js';
import { launchedVersion } from '../state/versions.js';

/** What each condition means, the gravest first. */
export const CONDITIONS = {
  refused: 'Discord refuses the shard for good; `code` is the close code. Somebody has to mend the cause.',
  quarantined: 'Nodes died one after the other when the shard was started there; it is not started any more.',
  unreachable: 'The node that has the shard is not connected to the orchestrator. It may still be serving.',
  vacant: 'No node has the shard.',
  parked: 'No node has the shard; the orchestrator keeps its state and its session for the next node.',
  disconnected: 'The node has the shard, and its gateway connection is down; the node tries again.',
  stopping: 'The node was told to stop the shard.',
  starting: 'The shard is on its way up, and nothing has gone wrong.',
  waitingToIdentify: 'The shard waits for its turn to IDENTIFY: `position` in the queue, and when it may be (`eta`).',
  migrating: 'The shard is between two nodes: frozen, or being resumed at the destination.',
  up: 'The gateway session is READY or RESUMED.',
} as const;

export type ConditionKind = keyof typeof CONDITIONS;

export type ShardCondition = {
  kind: ConditionKind;
  /** As far as this orchestrator knows. */
  since: number;
  /** The node that has the shard. */
  node: string | null;
  /** A clause for people; null where there is nothing to explain. */
  why: string | null;
  /** Of a refusal. */
  code: number | null;
  /** In the queue of those that wait to IDENTIFY, from 1; and when its turn comes at the earliest. */
  position: number | null;
  eta: number | null;
};

type Found = Pick<ShardCondition, 'kind' | 'since' | 'why'> & Partial<ShardCondition>;

/** Whether the shard's session is READY or RESUMED. A shard that moves is up for as long as its origin serves. */
export function isUp(state: OrchestratorState, id: number): boolean {
  const shard = state.shards[id];
  if (shard === undefined) return false;
  if (shard.kind !== 'migrating') return isRunningUp(state, shard);
  return servingOrigin(state, shard)?.kind === 'up';
}

/** Answers for every shard there is; for one question about all of them, so that queues are counted once. */
export function conditionsOf(state: OrchestratorState, now: number): (id: number) => ShardCondition {
  const look: Look = {
    state,
    now,
    places: placesOf(state, now),
    cared: caredOf(state),
    vacant: whyAllAreVacant(state, now),
  };
  return (id) => {
    const shard = state.shards[id];
    return shard === undefined ? whole(NO_SHARD) : whole(conditionOf(look, id, shard));
  };
}

const NO_SHARD: Found = { kind: 'vacant', since: 0, why: 'there is no such shard' };

/** Field by field: in an outage this is done for every shard, every second. */
function whole({ kind, since, node = null, why, code = null, position = null, eta = null }: Found): ShardCondition {
  return { kind, since, node, why, code, position, eta };
}

/** What is the same for all shards. */
type Look = {
  state: OrchestratorState;
  now: number;
  places: Places;
  cared: ReadonlySet<number> | null;
  /** Why a shard is vacant that has no reason of its own. */
  vacant: string;
};

function caredOf({ settings: { responsibleForShards } }: OrchestratorState): ReadonlySet<number> | null {
  return responsibleForShards === null ? null : new Set(responsibleForShards);
}

export type Down = { shard: number; condition: ShardCondition };

/** Every shard this orchestrator cares for that is not up, by id. */
export function shardsNotUp(state: OrchestratorState, now: number): readonly Down[] {
  const conditionOf = conditionsOf(state, now);
  const cared = caredOf(state);
  const { vacant, parked, starting, stopping, unreachable, unready } = survey(state.shards);
  const moving = [...state.migrations.values()].map(({ shard }) => shard);
  return [...vacant, ...parked, ...starting, ...stopping, ...unreachable, ...unready, ...moving]
    .filter((shard) => cared?.has(shard) ?? true)
    .sort((a, b) => a - b)
    .map((shard) => ({ shard, condition: conditionOf(shard) }))
    .filter(({ condition }) => condition.kind !== 'up');
}

function conditionOf(look: Look, id: number, shard: ShardState): Found {
  const { state, places } = look;
  switch (shard.kind) {
    case 'vacant':
      return ofVacant(look, id, shard);
    case 'parked': {
      const { since, origin, state: kept } = shard.parked;
      const why = `node ${origin} left it with ${kept.bytes} bytes of state, and a node to take it is waited for`;
      return { kind: 'parked', since, why };
    }
    case 'unreachable': {
      const why = `node ${shard.node} is not connected, and may still be serving`;
      return { kind: 'unreachable', since: shard.since, node: shard.node, why };
    }
    case 'stopping':
      return { kind: 'stopping', since: shard.since, node: shard.node, why: null };
    case 'starting': {
      const { node, since, link } = shard;
      const place = places.get(keyOf(id, node));
      if (place !== undefined) return { node, ...ofPlace(place) };
      if (link !== undefined) return ofLink(link, since);
      return { kind: 'starting', since, node, why: shard.known === null ? null : 'its session is being resumed' };
    }
    case 'running': {
      const { node, since, link } = shard;
      if (isRunningUp(state, shard)) return { kind: 'up', since: link?.since ?? since, node, why: null };
      const place = places.get(keyOf(id, node));
      if (place !== undefined) return { node, ...ofPlace(place) };
      if (link?.node === node) return ofLink(link, since);
      return { kind: 'starting', since, node, why: 'its node has not said yet whether it is connected' };
    }
    case 'migrating':
      return ofMigrating(state, shard);
  }
}

function ofLink(link: ShardLink, since: number): Found {
  const { node } = link;
  const trouble = troubleOf(link);
  switch (trouble) {
    case 'refused': {
      const why = link.reason ?? 'Discord does not say more';
      return { kind: 'refused', since: link.since, node, code: link.refused, why };
    }
    case 'disconnected':
      return { kind: 'disconnected', since: link.since, node, why: link.reason };
    case 'waiting':
      return { kind: 'waitingToIdentify', since: link.since, node, why: null };
    case 'frozen':
      return { kind: 'migrating', since: link.since, node, why: 'its node has it frozen' };
    case 'starting':
      return { kind: 'starting', since: Math.max(since, link.since), node, why: null };
    case 'up':
      // RESUMED at a node whose answer is on its way.
      return { kind: 'up', since: link.since, node, why: null };
  }
}

/** What its origin serves is as it was. */
function ofMigrating(state: OrchestratorState, shard: Extract<ShardState, { kind: 'migrating' }>): Found {
  const migration = state.migrations.get(shard.migration);
  if (migration === undefined) return { kind: 'migrating', since: state.startedAt, why: null };
  const served = servingOrigin(state, shard);
  if (served !== null) return served;
  const { origin, destination, step, startedAt } = migration;
  const { link } = shard;
  const since = 'frozenAt' in step ? step.frozenAt : startedAt;
  const trouble = link?.node === destination && troubleOf(link) === 'disconnected' ? link.reason : null;
  const why = `it moves from ${nameOfEnd(origin)} to ${nameOfEnd(destination)} (${step.kind})`;
  return {
    kind: 'migrating',
    since,
    node: isPark(destination) ? null : destination,
    why: trouble === null ? why : `${why}: ${trouble}`,
  };
}

/** Steps in which the origin's gateway connection is as it was. */
const SERVES: ReadonlySet<MigrationState['step']['kind']> = new Set([
  'announcing',
  'openingOrigin',
  'openingDestination',
  'copying',
  'warming',
]);

function servingOrigin(
  state: OrchestratorState,
  { migration: id, link }: { migration: string; link?: ShardLink },
): Found | null {
  const migration = state.migrations.get(id);
  if (migration === undefined || !SERVES.has(migration.step.kind)) return null;
  const { origin, startedAt } = migration;
  if (isPark(origin)) return null;
  if (link?.node === origin) return ofLink(link, startedAt);
  return reportsLinks(state, origin)
    ? { kind: 'starting', since: startedAt, node: origin, why: 'its node has not said yet whether it is connected' }
    : { kind: 'up', since: startedAt, node: origin, why: null };
}

function ofVacant(
  { state, now, cared, vacant }: Look,
  id: number,
  { since, notBefore }: Extract<ShardState, { kind: 'vacant' }>,
): Found {
  const record = state.crashRecords.get(id);
  if (record !== undefined && record.quarantinedAt !== null) {
    const nodes = record.crashes.map(({ node }) => node).join(', ');
    const why = `nodes ${nodes} died one after the other when it was started there`;
    return { kind: 'quarantined', since: record.quarantinedAt, why };
  }
  if (cared?.has(id) === false) return { kind: 'vacant', since, why: 'another orchestrator is responsible for it' };
  const isPaused = notBefore > now && mayStart(state);
  const pause = isPaused ? `it is started again in ${Math.ceil((notBefore - now) / 1_000)} s` : null;
  const why = pause ?? state.unplaced.get(id) ?? vacant;
  return { kind: 'vacant', since, why };
}

function mayStart({ settings, ending, graceUntil, alarm }: OrchestratorState): boolean {
  return ending === null && settings.ensureAllShardsRunning && graceUntil === null && alarm === null;
}

function whyAllAreVacant(state: OrchestratorState, now: number): string {
  const { settings, ending, graceUntil, alarm, launches, nodes, crashLoops } = state;
  if (ending !== null) return 'the fleet is being shut down';
  if (!settings.ensureAllShardsRunning) return 'it is started by hand only (ensureAllShardsRunning is off)';
  if (graceUntil !== null) return 'running nodes are waited for after the start of the orchestrator';
  if (alarm !== null) return 'most nodes are silent, so nothing is started';
  if (launches.size > 0) return 'a node is being launched';
  const isOpen = [...nodes.values()].some((node) => isConnected(node) && !isLeaving(node));
  const missing = isOpen ? 'no connected node has room for it' : 'no node is connected';
  const pauseMs = (crashLoops.get(launchedVersion(state))?.notBefore ?? 0) - now;
  if (!settings.canLaunch || pauseMs <= 0) return missing;
  return `${missing}, and the last one died: the next is launched in ${Math.ceil(pauseMs / 1_000)} s`;
}

type Place = Pick<ShardCondition, 'position' | 'eta'> & { since: number; why: string | null };
type Places = ReadonlyMap<string, Place>;

function keyOf(shard: number, node: string): string {
  return `${shard}@${node}`;
}

function ofPlace({ position, eta, since, why }: Place): Found {
  return { kind: 'waitingToIdentify', since, position, eta, why };
}

/** Per key one IDENTIFY per window, in the order of asking. */
function placesOf(state: OrchestratorState, now: number): Places {
  const { identifies, settings } = state;
  const { waiting, keys, maxConcurrency } = identifies;
  const places = new Map<string, Place>();
  if (waiting.length === 0) return places;
  const isShort = !hasSessionStart(state, now);
  const { resetAt } = sessionStarts(state, now);
  const opensAt = Math.max(now, permitsBlockedUntil({ state, now }) ?? now);
  const ahead = new Map<number, number>();
  waiting.forEach(({ node, shard, since }, index) => {
    const key = shard % maxConcurrency;
    const before = ahead.get(key) ?? 0;
    ahead.set(key, before + 1);
    const entry = keys[key];
    const heldFor = entry !== undefined && entry.holder !== null ? settings.identifyWindowMs : 0;
    const freeAt = heldFor > 0 ? now + heldFor : (entry?.freeAt ?? now);
    const eta = isShort ? resetAt : Math.max(opensAt, freeAt) + before * settings.identifyWindowMs;
    const why = isShort ? 'the session starts of the day are used up, but for the reserve' : null;
    places.set(keyOf(shard, node), { position: index + 1, eta, since, why });
  });
  return places;
}
