/**
 * `fleet/balance`: which shards were moved to spread them, and how long nothing is spread. Without it a restart would
 * let shards that have just moved move on, and back.
 */
import type { BalanceState } from '../state/balance.js';
import { count, listOf, nodeId, nullOr, object, picked, time, type Shape } from '../state/shape.js';
import { recordsOfMap, type Codec } from './records.js';

export type BalanceRecord = Pick<BalanceState, 'begunAt' | 'mendNotBefore' | 'failedAt'> & {
  readonly moved: readonly { readonly shard: number; readonly at: number; readonly from: string }[];
};

const BALANCE_RECORD: Shape<BalanceRecord> = {
  moved: listOf(object({ shard: count, at: time, from: nodeId })),
  begunAt: listOf(time),
  mendNotBefore: time,
  failedAt: nullOr(time),
};

export const BALANCE: Codec<BalanceRecord | null, BalanceRecord> = recordsOfMap({
  kind: 'fleet',
  map: ({ balance }) => new Map([['balance', recordOf(balance)]]),
  parts: ({ balance }) => [balance.moved, balance.begunAt, balance.mendNotBefore, balance.failedAt],
  write: (record) => record && picked<BalanceRecord>(BALANCE_RECORD, record),
  read: object(BALANCE_RECORD),
});

function recordOf({ moved, begunAt, mendNotBefore, failedAt }: BalanceState): BalanceRecord | null {
  if (moved.size === 0 && begunAt.length === 0 && failedAt === null) return null;
  const list = [...moved].map(([shard, { at, from }]) => ({ shard, at, from }));
  return { moved: list, begunAt, mendNotBefore, failedAt };
}

/** As long as nothing is mended after a mend (`operations/keep-balanced.ts`). */
const LONGEST_REST_MS = 5 * 60_000;

export function restoredBalance(fresh: BalanceState, record: BalanceRecord | null, now: number): BalanceState {
  if (record === null) return fresh;
  const past = (at: number): number => Math.min(at, now);
  return {
    ...fresh,
    moved: new Map(record.moved.map(({ shard, at, from }) => [shard, { at: past(at), from }])),
    begunAt: record.begunAt.map(past),
    mendNotBefore: Math.min(record.mendNotBefore, now + LONGEST_REST_MS),
    failedAt: record.failedAt === null ? null : past(record.failedAt),
  };
}
