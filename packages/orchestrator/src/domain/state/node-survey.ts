/**
 * What is to be known of all nodes together. Of a thousand nodes nearly all are connected and serve, and nothing is due
 * of them but a heartbeat; so the few others are listed, and a bound says when the first heartbeat can be missing. Both
 * are revised with each node that changes, rather than found by a pass over all nodes for every event.
 */
import type { NodeState, OrchestratorState } from './state.js';

type Nodes = OrchestratorState['nodes'];

export type NodeSurvey = {
  /** Those that are away, wait for the total, leave or are being shut down, or retain sessions. */
  unsettled: ReadonlySet<string>;
  /** No connected node that sends heartbeats was last heard before that. It may be earlier than the truth. */
  heardSince: number;
};

const remembered = new WeakMap<Nodes, NodeSurvey>();

export function nodeSurvey(nodes: Nodes): NodeSurvey {
  const known = remembered.get(nodes);
  if (known !== undefined) return known;
  const made: NodeSurvey = {
    unsettled: new Set([...nodes.values()].filter((node) => !isSettled(node)).map(({ id }) => id)),
    heardSince: heardSinceOf(nodes),
  };
  remembered.set(nodes, made);
  return made;
}

/**
 * For the transaction, which has written one node.
 *
 * @param node undefined: it is removed.
 */
export function reviseNodeSurvey(nodes: Nodes, before: NodeSurvey, id: string, node: NodeState | undefined): void {
  const isUnsettled = node !== undefined && !isSettled(node);
  let { unsettled } = before;
  if (unsettled.has(id) !== isUnsettled) {
    const changed = new Set(unsettled);
    if (isUnsettled) changed.add(id);
    else changed.delete(id);
    unsettled = changed;
  }
  remembered.set(nodes, { unsettled, heardSince: Math.min(before.heardSince, node ? heardAt(node) : Infinity) });
}

/** When the node that was silent for the longest was last heard; exact where it was before `limit`. */
export function longestSilentSince(nodes: Nodes, limit: number): number {
  const { unsettled, heardSince } = nodeSurvey(nodes);
  if (heardSince > limit) return heardSince;
  const exact = heardSinceOf(nodes);
  remembered.set(nodes, { unsettled, heardSince: exact });
  return exact;
}

/** Nodes of which more may be due than a heartbeat. */
export function unsettledNodes({ nodes }: OrchestratorState): NodeState[] {
  return [...nodeSurvey(nodes).unsettled].flatMap((id) => nodes.get(id) ?? []);
}

function isSettled({ connection, intent, retained }: NodeState): boolean {
  const isLeaving = intent.kind === 'leaving' || intent.kind === 'shuttingDown';
  return connection.kind === 'connected' && !isLeaving && retained.length === 0;
}

function heardSinceOf(nodes: Nodes): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const node of nodes.values()) earliest = Math.min(earliest, heardAt(node));
  return earliest;
}

function heardAt({ connection }: NodeState): number {
  const beats = connection.kind === 'connected' && connection.capabilities.includes('heartbeat');
  return beats ? connection.lastHeardAt : Number.POSITIVE_INFINITY;
}
