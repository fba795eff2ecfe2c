/** `dso health` and `dso shards`: what is wrong, and how each shard is. `dso status` has the same lines. */
import { shardRanges } from '@dshard/api';
import type { Alarm, Health, ListedShard, ShardCondition, ShardList } from '@dshard/api';
import { printable } from '@dshard/protocol';
import { spanText } from '../output/times.js';

export function describeHealth({ alarms, now, totalShards, up }: Health): string {
  const total =
    totalShards === null ? 'The total shard count is not decided yet.' : `${up} of ${totalShards} shards are up.`;
  return [...(alarms.length === 0 ? ['No alarm stands.'] : alarmLines(alarms, now)), total].join('\n');
}

export function alarmLines(alarms: readonly Alarm[], now: number): string[] {
  return alarms.flatMap(({ kind, level, reason, remedy, since }) => [
    `${level === 'error' ? 'ALARM' : 'WARNING'} ${kind}, for ${spanText(now - since)}: ${printable(reason)}`,
    `  ${printable(remedy)}`,
  ]);
}

export function describeShards({ shards, now }: ShardList): string {
  return shards.length === 0 ? 'There is none.' : conditionLines(shards, now).join('\n');
}

/** One line for all shards that are the same way for the same reason, so that an outage fits a screen. */
export function conditionLines(shards: readonly ListedShard[], now: number): string[] {
  const groups = new Map<string, { ids: number[]; condition: ShardCondition; since: number }>();
  for (const { id, condition } of shards) {
    const { kind, node, code, why } = condition;
    const key = JSON.stringify([kind, node, code, why]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ids: [id], condition, since: condition.since });
    else {
      group.ids.push(id);
      group.since = Math.min(group.since, condition.since);
    }
  }
  return [...groups.values()].map(({ ids, condition, since }) => {
    const { kind, node, code, why, position, eta } = condition;
    const on = node === null ? '' : ` on ${printable(node)}`;
    const turn = position === null ? '' : `, number ${position} in the queue`;
    const first = eta === null ? '' : `, in ${spanText(eta - now)} at the earliest`;
    const reason = why === null ? '' : `: ${printable(why)}`;
    const refusal = code === null ? '' : ` with ${code}`;
    return `${shardRanges(ids)} ${CONDITION_WORDS[kind]}${refusal}${on} for ${spanText(now - since)}${turn}${first}${reason}`;
  });
}

/** As a word of a sentence. */
export const CONDITION_WORDS: Readonly<Record<ShardCondition['kind'], string>> = {
  refused: 'refused by Discord',
  quarantined: 'quarantined',
  unreachable: 'unreachable',
  vacant: 'vacant',
  disconnected: 'disconnected',
  stopping: 'stopping',
  starting: 'starting',
  waitingToIdentify: 'waiting to identify',
  migrating: 'moving',
  parked: 'parked',
  up: 'up',
};
