/**
 * Hosts: what nodes run on, by the name that they say (`DSO_HOST`, or the machine's). A host is known while a node of
 * it is, or while somebody has said something of it.
 */
import type { Checked } from './checks.js';
import { refused } from './checks.js';
import { isConnected, isLeaving } from './nodes.js';
import type { NodeState, OrchestratorState } from './state.js';
import type { Transaction } from './transaction.js';

export type HostState = {
  /** Its nodes get nothing new, and nor do those that join from it later. null: they do. */
  readonly cordoned: { readonly since: number; readonly by: string } | null;
  /** Since when it counts as dead, because somebody said so; null: it does not. A node that joins from it ends that. */
  readonly deadSince: number | null;
};

export type HostsByName = ReadonlyMap<string, HostState>;

/** Of how many hosts that are not cordoned something is kept. */
const KEPT_HOSTS = 100;

/** What fails together. A node that names no host stands for itself. */
export function hostOf({ host, id }: Pick<NodeState, 'host' | 'id'>): string {
  return host ?? `node ${id}`;
}

export function nodesOn({ nodes }: Pick<OrchestratorState, 'nodes'>, host: string): readonly NodeState[] {
  return [...nodes.values()].filter((node) => node.host === host);
}

/** It keeps what it has, and gets nothing new. */
export function isCordoned({ hosts }: Pick<OrchestratorState, 'hosts'>, { intent, host }: NodeState): boolean {
  if (intent.kind === 'cordoned') return true;
  return intent.kind === 'serving' && isHostCordoned({ hosts }, host);
}

/** It takes whatever it is given. */
export function isServing(state: Pick<OrchestratorState, 'hosts'>, node: NodeState): boolean {
  return node.intent.kind === 'serving' && !isHostCordoned(state, node.host);
}

export function isHostCordoned({ hosts }: Pick<OrchestratorState, 'hosts'>, host: string | null): boolean {
  return hosts.size > 0 && host !== null && (hosts.get(host)?.cordoned ?? null) !== null;
}

/** The nodes of a host that is known, of whatever state. */
export function knownHost(state: OrchestratorState, host: string): Checked<readonly NodeState[]> {
  const nodes = nodesOn(state, host);
  if (nodes.length > 0 || state.hosts.has(host)) return { ok: true, value: nodes };
  const known = new Set([...[...state.nodes.values()].flatMap((node) => node.host ?? []), ...state.hosts.keys()]);
  const hint = known.size === 0 ? 'No node has named a host.' : `Known hosts: ${[...known].slice(0, 10).join(', ')}.`;
  return refused('DSO_UNKNOWN_HOST', `There is no host "${host}". ${hint}`);
}

/** Connected, and there to stay. */
export function stayingOn(state: OrchestratorState, host: string | null): Checked<readonly string[]> {
  const known = host === null ? ({ ok: true, value: [] } as const) : knownHost(state, host);
  if (!known.ok) return known;
  const staying = known.value.filter((node) => isConnected(node) && !isLeaving(node));
  return { ok: true, value: staying.map(({ id }) => id) };
}

const NOTHING_SAID: HostState = { cordoned: null, deadSince: null };

export function patchHost(tx: Transaction, name: string, patch: Partial<HostState>): void {
  const next = { ...(tx.state.hosts.get(name) ?? NOTHING_SAID), ...patch };
  const others = [...tx.state.hosts].filter(([each]) => each !== name);
  const isKept = next.cordoned !== null || next.deadSince !== null;
  tx.patch({ hosts: new Map(bounded(isKept ? [...others, [name, next]] : others)) });
}

/** The oldest goes first. A cordon is never forgotten. */
function bounded(hosts: readonly (readonly [string, HostState])[]): readonly (readonly [string, HostState])[] {
  const excess = hosts.filter(([, { cordoned }]) => cordoned === null).slice(0, -KEPT_HOSTS);
  return excess.length === 0 ? hosts : hosts.filter((each) => !excess.includes(each));
}

/** A node joins from a host: that one lives. */
export function noteHostLives(tx: Transaction, host: string | null): void {
  if (host !== null && (tx.state.hosts.get(host)?.deadSince ?? null) !== null) patchHost(tx, host, { deadSince: null });
}
