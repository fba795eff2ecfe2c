/**
 * What schedulers outside are told of a version (`versionHealth`, for `/readyz` of its nodes): while it fails, they
 * replace no more nodes by it.
 *
 * - Any version fails while one of its bots says that it is not well, or has failed its self test.
 * - The newest of several versions fails, too, while it is worse than the others by the gates of a rollout (`gates.ts`,
 *   counted since its processes began), and while shards that its nodes were given are not up. An older one does not:
 *   schedulers end nodes that are not ready first, and these are the ones to go back to. Nor does the only one, for
 *   nothing is being replaced. A node without shards, which waits for some, is ready.
 */
import { can, isConnected } from '../state/nodes.js';
import { failureOf, workOf, worseWork, type Reading } from './gates.js';
import { complaintOf } from '../state/signals.js';
import { reportsLinks, troubleOf } from '../state/shard-link.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import { survey } from '../state/survey.js';
import type { Transaction } from '../state/transaction.js';

/** A version is looked at by a heartbeat of its nodes, and no more often than that, however many nodes there are. */
const EVERY_MS = 1_000;
/** A shard that was up reconnects now and then: nothing to tell a scheduler of. */
const RECONNECTS_MS = 10_000;

/** One of its nodes is heard. */
export function lookAtVersion(tx: Transaction, version: string): void {
  const known = tx.state.versionHealth.get(version);
  if (known !== undefined && known.at + EVERY_MS > tx.now) return;
  const failing = failingBecause(tx.state, version, tx.now);
  const inFleet = new Set([...tx.state.nodes.values()].flatMap((node) => (isConnected(node) ? [node.version] : [])));
  const kept = [...tx.state.versionHealth].filter(([each]) => inFleet.has(each));
  tx.patch({ versionHealth: new Map(kept).set(version, { at: tx.now, failing }) });
  if (failing === (known?.failing ?? null)) return;
  for (const node of nodesOf(tx.state, version)) tell(tx, node, failing);
}

/** A node is part of the fleet from now on, and takes its version for a good one. */
export function tellVersion(tx: Transaction, node: NodeState): void {
  const failing = tx.state.versionHealth.get(node.version)?.failing ?? null;
  if (failing !== null) tell(tx, node, failing);
}

function tell(tx: Transaction, node: NodeState, failing: string | null): void {
  if (can(node, 'signals')) tx.send(node.id, { kind: 'versionHealth', failing });
}

function nodesOf({ nodes }: OrchestratorState, version: string): NodeState[] {
  return [...nodes.values()].filter((node) => isConnected(node) && node.version === version);
}

/** null: nothing speaks against the version. */
function failingBecause(state: OrchestratorState, version: string, now: number): string | null {
  const nodes = nodesOf(state, version);
  for (const { id, signals } of nodes) {
    const complaint = complaintOf(signals);
    if (complaint !== null) return `node ${id} ${complaint}`;
  }
  if (version !== newestOf(state)) return null;
  return worseThanOthers(state, nodes) ?? shardsNotUpOn(state, new Set(nodes.map(({ id }) => id)), now);
}

function worseThanOthers(state: OrchestratorState, nodes: readonly NodeState[]): string | null {
  const reading = ({ id, signals }: NodeState): Reading => ({ node: id, now: signals, before: null });
  const old = [...state.nodes.values()].filter((node) => isConnected(node) && !nodes.includes(node)).map(reading);
  const fresh = nodes.map(reading);
  const { byNode } = survey(state.shards);
  const moved = nodes.reduce((sum, { id }) => sum + (byNode.get(id)?.length ?? 0), 0);
  const facts = { ended: [], refused: [], refusesOld: false, notMoved: [], moved, old, fresh };
  return failureOf(facts) ?? worseWork(workOf(old), workOf(fresh));
}

/** Of several versions that whose oldest process is the youngest; null: there is one version only. */
function newestOf({ nodes }: OrchestratorState): string | null {
  const cameAt = new Map<string, number>();
  for (const node of nodes.values()) {
    if (!isConnected(node)) continue;
    cameAt.set(node.version, Math.min(startedAt(node), cameAt.get(node.version) ?? Infinity));
  }
  if (cameAt.size < 2) return null;
  const [newest] = [...cameAt].toSorted(([, a], [, b]) => b - a);
  return newest?.[0] ?? null;
}

/** It may have connected anew since, to an orchestrator that was restarted, say. */
function startedAt({ connection, process, joinedAt }: NodeState): number {
  if (connection.kind !== 'connected' || process === null) return joinedAt;
  return Math.min(joinedAt, connection.lastHeardAt - process.uptimeMs);
}

function shardsNotUpOn(state: OrchestratorState, nodes: ReadonlySet<string>, now: number): string | null {
  const down = state.shards.flatMap((shard, id) => {
    if (shard.kind !== 'starting' && shard.kind !== 'running') return [];
    return nodes.has(shard.node) && isDown(state, shard, now) ? [id] : [];
  });
  if (down.length === 0) return null;
  return down.length === 1 ? `shard ${down[0]} is not up on it` : `${down.length} shards are not up on it`;
}

type Given = Extract<OrchestratorState['shards'][number], { kind: 'starting' | 'running' }>;

function isDown(state: OrchestratorState, shard: Given, now: number): boolean {
  if (shard.kind === 'starting') return true;
  if (!reportsLinks(state, shard.node)) return false;
  const { link } = shard;
  if (link === undefined || link.node !== shard.node) return true;
  switch (troubleOf(link)) {
    case 'up':
    case 'frozen':
      return false;
    case 'disconnected':
      return link.since + RECONNECTS_MS <= now;
    case 'refused':
    case 'starting':
    case 'waiting':
      return true;
  }
}
