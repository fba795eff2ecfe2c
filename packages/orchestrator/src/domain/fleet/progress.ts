/**
 * A resume takes as long as Discord takes. While the node that does it is heard of and names the shard, it is not aborted, and its session
 * is not given up: no answer is not a refusal. Only a node that does not name the shard any more runs into the bound.
 */
import type { ShardReport } from '@dshard/protocol';
import { boundBetween } from '../migration/live-steps.js';
import { isLive } from '../state/migrations.js';
import { migrationOf } from '../migration/steps.js';
import type { MigrationState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

export function noteResumes(tx: Transaction, id: string, shards: readonly ShardReport[]): void {
  for (const { shardId: shard, phase } of shards) {
    if (phase === 'frozen') continue;
    const state = tx.shard(shard);
    if (state?.kind === 'starting' && state.node === id && state.step === 'resume') {
      const bound = tx.settings.commandTimeoutMs;
      tellWhenSlow(tx, id, shard, { since: state.since, until: state.deadline, bound });
      tx.setShard(shard, { ...state, deadline: tx.now + bound });
    } else if (state?.kind === 'migrating') {
      const migration = migrationOf(tx, shard);
      if (migration?.destination === id) noteMigration(tx, migration);
    }
  }
}

function noteMigration(tx: Transaction, migration: MigrationState): void {
  const { kind } = migration.step;
  if (kind !== 'activating' && kind !== 'resuming') return;
  const bound = isLive(migration)
    ? boundBetween(tx, migration, migration.step.kind)
    : tx.settings.migrationStepTimeoutMs;
  const since = 'frozenAt' in migration.step ? migration.step.frozenAt : migration.startedAt;
  tellWhenSlow(tx, migration.destination, migration.shard, { since, until: migration.deadline, bound });
  tx.setMigration({ ...migration, deadline: tx.now + bound });
}

/** Once, when it has taken as long as its bound. @param about.until the deadline as the last word of the node left it. */
function tellWhenSlow(
  tx: Transaction,
  node: string,
  shard: number,
  about: { since: number; until: number; bound: number },
): void {
  const due = about.since + about.bound;
  const heardBefore = about.until - about.bound;
  if (tx.now < due || heardBefore >= due) return;
  const ms = tx.now - about.since;
  const text = `Shard ${shard} has been resuming on node ${node} for ${ms} ms. It goes on, and its session is kept; Discord may be away.`;
  tx.record('resumeSlow', 'warn', text, { node, shard, ms });
}
