/**
 * What a heartbeat says of the shards. The session knows which shards are this node's, the host how they are: the orchestrator takes a
 * shard that is not named for lost, so one that the host does not report (yet, or at all) is named all the same, and one
 * that is only being handed to this node, or that another one has taken over, is not.
 */
import type { ShardPhase, ShardReport } from '@dshard/protocol';
import type { ShardState, ShardStateKind } from './state.js';

/** null: not this node's. `host`: as the host says. */
const PHASES: Readonly<Record<ShardStateKind, ShardPhase | 'host' | null>> = {
  absent: null,
  starting: 'host',
  running: 'host',
  stopping: 'disconnected',
  closing: 'frozen',
  closed: 'frozen',
  sending: 'frozen',
  sent: 'frozen',
  preparing: null,
  staging: null,
  resuming: 'resuming',
  announcing: 'host',
  announced: 'host',
  offered: 'host',
  copying: 'host',
  copied: 'host',
  freezing: 'frozen',
  sendingDelta: 'frozen',
  frozen: 'frozen',
  unfreezing: 'frozen',
  releasing: 'frozen',
  released: 'frozen',
  opening: null,
  collecting: null,
  warming: null,
  verified: null,
  activating: 'resuming',
};

/** It is another node's, under the epoch that was told: only its end here is waited for. */
export function isTaken(shard: ShardState): boolean {
  return shard.kind === 'stopping' && shard.why === 'takenOver';
}

/** @param epochs null: the orchestrator does not know them. */
export function shardReports(
  shards: ReadonlyMap<number, ShardState>,
  fromHost: readonly ShardReport[],
  epochs: ReadonlyMap<number, number> | null = null,
): readonly ShardReport[] {
  const known = new Map(fromHost.map((report) => [report.shardId, report]));
  return [...shards].flatMap(([shardId, shard]) => {
    const phase = PHASES[shard.kind];
    if (phase === null || isTaken(shard)) {
      return [];
    }
    const report = known.get(shardId) ?? {
      shardId,
      phase: 'connecting',
      pingMs: -1,
      guilds: -1,
      events: 0,
      session: null,
    };
    const told = phase === 'host' ? report : { ...report, phase };
    return [epochs === null ? told : { ...told, epoch: epochs.get(shardId) ?? 0 }];
  });
}
