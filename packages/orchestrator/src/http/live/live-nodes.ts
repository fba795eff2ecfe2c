/**
 * The nodes of a snapshot. Each keeps its number for as long as it is known; what is the same stays the same object.
 */
import {
  NOBODY,
  type LiveFigures,
  type LiveHost,
  type LiveNode,
  type LiveSnapshot,
  type LiveSuspicion,
} from '@dshard/api/live';
import { hasSaidGoodbye, can, isConnected } from '../../domain/state/nodes.js';
import { isCordoned } from '../../domain/state/hosts.js';
import { complaintOf } from '../../domain/state/signals.js';
import type { NodeState, OrchestratorState } from '../../domain/state/state.js';
import { eventsPerSecond, EventRates } from './event-rates.js';
import { sameOr } from './same.js';
import type { Deaf } from './shard-columns.js';

/** So many heartbeats that do not come are more than one that is late. */
const SILENT_AFTER_HEARTBEATS = 2.5;

type Slot = { state: NodeState; heardAt: number; node: LiveNode; figures: LiveFigures | null };
type Told = Pick<LiveSnapshot, 'nodes' | 'figures'>;

export class LiveNodes {
  readonly rates: EventRates = new EventRates();
  readonly #places = new Map<string, number>();
  readonly #slots: (Slot | null)[] = [];
  #told: Told = { nodes: [], figures: [] };
  #nodes: OrchestratorState['nodes'] | null = null;
  #hosts: OrchestratorState['hosts'] | null = null;
  #isChanged = false;

  placeOf(id: string): number {
    return this.#places.get(id) ?? NOBODY;
  }

  get told(): Told {
    return this.#told;
  }

  /**
   * First: who is there, and what they said.
   *
   * @returns the shards whose rates have changed. null: nodes came or went, so every shard is to be looked at.
   */
  hear(state: OrchestratorState, now: number, aheadMs: number): readonly number[] | null {
    if (this.#nodes === state.nodes && this.#hosts === state.hosts) return [];
    // A host that is cordoned says something of all its nodes.
    const before = this.#hosts === state.hosts ? this.#nodes : null;
    this.#nodes = state.nodes;
    this.#hosts = state.hosts;
    const gone = [...this.#places].filter(([id]) => !state.nodes.has(id));
    for (const [id, place] of gone) {
      this.#places.delete(id);
      this.#slots[place] = null;
      this.rates.forget(id);
    }
    let isNew = gone.length > 0;
    const rated: number[] = [];
    for (const node of state.nodes.values()) {
      if (before?.get(node.id) === node) continue;
      isNew = this.#hearOne(state, node, { now, aheadMs, rated }) || isNew;
    }
    this.#isChanged ||= isNew;
    return isNew ? null : rated;
  }

  /** @returns whether the node is new. */
  #hearOne(
    state: OrchestratorState,
    node: NodeState,
    { now, aheadMs, rated }: { now: number; aheadMs: number; rated: number[] },
  ): boolean {
    const place = this.#places.get(node.id);
    const slot = place === undefined ? null : (this.#slots[place] ?? null);
    const isHeartbeat = slot === null || slot.state.shardReports !== node.shardReports;
    const heardAt = slot === null ? (lastHeard(node) ?? now) : isHeartbeat ? now : slot.heardAt;
    if (isHeartbeat) rated.push(...this.rates.note(node, heardAt));
    const ms = slot === null ? 0 : heardAt - slot.heardAt;
    const figures = isHeartbeat ? figuresOf(node, slot, { at: heardAt + aheadMs, ms }) : slot.figures;
    const told = nodeOf(state, node, slot?.node ?? null, aheadMs);
    const next = { state: node, heardAt, figures, node: slot === null ? told : sameOr(slot.node, told) };
    this.#isChanged ||= next.node !== slot?.node || next.figures !== slot.figures;
    const free = this.#slots.indexOf(null);
    const at = place ?? (free === -1 ? this.#slots.length : free);
    this.#slots[at] = next;
    this.#places.set(node.id, at);
    return slot === null;
  }

  /** Then: what is suspected of them, which time alone may change. */
  addSuspicions(state: OrchestratorState, now: number, aheadMs: number, deaf: Deaf): Told {
    for (const slot of this.#slots) {
      if (slot === null) continue;
      const before = slot.node.suspicion;
      const found = suspicionOf(state, slot.state, { now, aheadMs, deaf });
      const since = before !== null && before.kind === found?.kind ? before.since : found?.since;
      const suspicion = found === null || since === undefined ? null : { ...found, since };
      if (sameOr(before, suspicion) === before) continue;
      slot.node = { ...slot.node, suspicion };
      this.#isChanged = true;
    }
    if (this.#isChanged) {
      const nodes = this.#slots.map((slot) => slot?.node ?? null);
      this.#told = { nodes, figures: this.#slots.map((slot) => slot?.figures ?? null) };
      this.#isChanged = false;
    }
    return this.#told;
  }
}

function lastHeard({ connection }: NodeState): number | null {
  return connection.kind === 'disconnected' ? null : connection.lastHeardAt;
}

function nodeOf(state: OrchestratorState, node: NodeState, before: LiveNode | null, aheadMs: number): LiveNode {
  const { id, host, zone, version, pid, connection, restarts } = node;
  return {
    id,
    host,
    zone,
    version,
    pid,
    connection: connection.kind,
    gone: connection.kind === 'disconnected' && connection.gone,
    since: connection.since + aheadMs,
    intent: hasSaidGoodbye(node) ? 'lingering' : isCordoned(state, node) ? 'cordoned' : node.intent.kind,
    restarts,
    suspicion: before?.suspicion ?? null,
  };
}

/** @param when `ms`: how long after its heartbeat before. */
function figuresOf(node: NodeState, before: Slot | null, { at, ms }: { at: number; ms: number }): LiveFigures | null {
  const { process, signals } = node;
  if (process === null && signals === null && node.shardReports.length === 0) return before?.figures ?? null;
  return {
    at,
    memoryBytes: process?.memoryBytes ?? signals?.memoryBytes ?? null,
    cpuPercent: process?.cpuPercent ?? null,
    eventLoopDelayMs: process?.eventLoopDelayMs ?? signals?.eventLoopDelayMs ?? null,
    uptimeMs: process?.uptimeMs ?? null,
    eventsPerSecond: eventsPerSecond(before?.state, node, ms),
    handlerErrors: signals?.handlerErrors ?? null,
  };
}

function suspicionOf(
  state: OrchestratorState,
  node: NodeState,
  { now, aheadMs, deaf }: { now: number; aheadMs: number; deaf: Deaf },
): LiveSuspicion | null {
  const { connection } = node;
  if (connection.kind !== 'connected') return null;
  const patienceMs = state.settings.heartbeatIntervalMs * SILENT_AFTER_HEARTBEATS;
  if (patienceMs > 0 && can(node, 'heartbeat') && now - connection.lastHeardAt > patienceMs) {
    return { kind: 'silent', since: connection.lastHeardAt + aheadMs, text: 'connected, and not heard for a while' };
  }
  const complaint = complaintOf(node.signals);
  if (complaint !== null) return { kind: 'unwell', since: now + aheadMs, text: complaint };
  const failing = state.versionHealth.get(node.version)?.failing ?? null;
  if (failing !== null) return { kind: 'failingVersion', since: now + aheadMs, text: failing };
  const own = deaf.size === 0 ? [] : [...deaf].filter(([, shard]) => shard.node === node.id);
  if (own.length === 0) return null;
  const which = own.map(([id]) => id).join(', ');
  const since = Math.min(...own.map(([, shard]) => shard.since));
  return { kind: 'deafShards', since, text: `no events for an unusual time on shard ${which}` };
}

/** Those that have connected nodes, or of which somebody has said something. */
export function hostsOf(state: OrchestratorState, aheadMs: number): readonly LiveHost[] {
  const byHost = new Map<string, { zone: string | null; nodes: string[] }>();
  for (const node of state.nodes.values()) {
    if (node.host === null || !isConnected(node)) continue;
    const known = byHost.get(node.host) ?? { zone: null, nodes: [] };
    known.nodes.push(node.id);
    byHost.set(node.host, { zone: known.zone ?? node.zone, nodes: known.nodes });
  }
  const names = [...new Set([...byHost.keys(), ...state.hosts.keys()])].sort();
  return names.map((name) => {
    const { zone = null, nodes = [] } = byHost.get(name) ?? {};
    const { cordoned = null, deadSince = null } = state.hosts.get(name) ?? {};
    return {
      name,
      zone,
      nodes: nodes.sort(),
      cordoned: cordoned && { ...cordoned, since: cordoned.since + aheadMs },
      deadSince: deadSince && deadSince + aheadMs,
    };
  });
}
