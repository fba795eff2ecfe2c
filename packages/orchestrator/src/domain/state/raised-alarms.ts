/**
 * The alarms that stand, as the watch last said (`runtime/alarm-watch.ts`). Nothing is decided by them: they are kept
 * so that a restart of the orchestrator tells nobody anew of what stands, and tells of what is over by then.
 */
export type RaisedAlarm = {
  readonly key: string;
  /** Of `alarms/alarms.ts`; another version may know others. */
  readonly kind: string;
  readonly since: number;
  readonly raisedAt: number;
  readonly reason: string;
  readonly shards: readonly number[];
  readonly nodes: readonly string[];
};

/** So many are kept. */
export const MOST_RAISED_ALARMS = 100;
