/** `GET /v1/versions`: what runs, what a new node would run, and what was reverted. */
import type { Versions } from '@dshard/api';
import type { OrchestratorState } from '../domain/state/state.js';
import { shardsByNode } from './shards-by-node.js';
import { crashStatus } from './v1-status.js';

export function versionsOf(state: OrchestratorState, now: number, orchestrator: string): Versions {
  const running = new Map<string, { version: string; nodes: number; shards: number }>();
  const byNode = shardsByNode(state);
  for (const { id, version, connection } of state.nodes.values()) {
    if (connection.kind === 'disconnected') continue;
    const known = running.get(version) ?? { version, nodes: 0, shards: 0 };
    const shards = known.shards + (byNode.get(id)?.length ?? 0);
    running.set(version, { version, nodes: known.nodes + 1, shards });
  }
  const { quarantined, frozen } = state.rollouts;
  return {
    now,
    orchestrator,
    deployed: state.deployedVersion === '' ? null : state.deployedVersion,
    running: [...running.values()].sort((a, b) => b.nodes - a.nodes),
    quarantined: quarantined.map(({ version, reason, at }) => ({ version, reason, at })),
    frozen,
    crashes: [...state.crashLoops.values()].map((loop) => crashStatus(loop, now)),
  };
}
