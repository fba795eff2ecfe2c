/**
 * Invariant 2: a shard's epoch only grows; nobody acts on an epoch lower than the highest it has seen. Seen as: what the orchestrator says of
 * a shard, whichever of its lives says it, never names a lower epoch than before, and neither does what a node says of a shard it has.
 *
 * Without a store the next life starts its counter at the clock, but knows of earlier epochs only what its nodes tell: should whoever had
 * the highest be gone, it believes the next lower one. So each life is looked at by itself then.
 */
import type { ShardReport } from '@dshard/protocol';
import type { Observation } from '../observation.js';
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'a shard’s epoch only grows, and nobody acts on a lower one';

export const epochsGrow: MakeChecker = ({ plan, violated }): Checker => {
  const said = new Map<number, number>();
  /** By node: its last reports, and by shard the highest epoch in any of them. */
  const reports = new Map<string, { last: readonly ShardReport[]; epochs: Map<number, number> }>();

  const note = (highest: Map<number, number>, shard: number, epoch: number | undefined, who: string): void => {
    if (epoch === undefined || epoch === 0) return;
    const before = highest.get(shard) ?? 0;
    if (epoch < before) violated(SENTENCE, `${who} acts on epoch ${epoch} of shard ${shard}, after ${before}`);
    highest.set(shard, Math.max(before, epoch));
  };
  const onSaid = ({ message }: Extract<Observation, { kind: 'said' }>): void => {
    if (message.kind === 'startShards') {
      for (const [index, shard] of message.shardIds.entries())
        note(said, shard, message.epochs?.[index], 'the orchestrator');
    } else if (message.kind === 'stopShard' || message.kind === 'shardTakenOver') {
      note(said, message.shardId, message.epoch, 'the orchestrator');
    }
  };
  return {
    see: (observation) => {
      if (observation.kind === 'said') onSaid(observation);
      if (observation.kind === 'processEnded' && observation.name === 'orchestrator' && !plan.durable) said.clear();
      // What the orchestrator has kept of a node that is gone is of its life before.
      if (observation.kind === 'processStarted') reports.delete(observation.name);
      if (observation.kind !== 'decided') return;
      for (const { id, connection, shardReports } of observation.state.nodes.values()) {
        const known = reports.get(id) ?? { last: [], epochs: new Map<number, number>() };
        if (connection.kind !== 'connected' || known.last === shardReports) continue;
        reports.set(id, { ...known, last: shardReports });
        for (const { shardId, epoch } of shardReports) note(known.epochs, shardId, epoch, `node ${id}`);
      }
    },
  };
};
