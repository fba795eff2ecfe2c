/** Counts how often rare branches were reached: one that never aborts a migration proves nothing about aborts. */
export class Marks {
  readonly #counts = new Map<string, number>();

  reach(mark: string): void {
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + 1);
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a.localeCompare(b)));
  }
}

/** Adds up the marks of several runs. */
export function addMarks(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [mark, count] of Object.entries(more)) sum[mark] = (sum[mark] ?? 0) + count;
}

/** What some hundred seeds must reach, or the simulator has gone blind: to undos, takeovers, what Discord does. */
const REQUIRED: readonly string[] = [
  'migrationCompleted',
  'live migration completed',
  'migration aborted while openingDestination',
  'migration aborted while copying',
  'migration aborted while warming',
  'migration aborted while freezing',
  'migration aborted while closing',
  'migration aborted while preparing',
  'migration aborted while transferring',
  'shard parked',
  'parked shard given out',
  'parkedStateLost',
  'frozen shard unfrozen',
  'freeze timeout',
  'copy aborted while the shard served',
  'given-away shard released',
  'rollout finished',
  'rollout stopped',
  'rollout reverted',
  'drain finished',
  'drain stopped',
  'takeover during a drain or rollout',
  'operationCancelled',
  'alarmRaised',
  'alarmCleared',
  'shardQuarantined',
  'crashLoop',
  'processEnded',
  'shardConflict',
  'identify granted',
  'identify uncoordinated',
  'events replayed',
  'state moved',
  'session ended: replay buffer overrun',
  'session ended: invalidated',
  'discord double-attach',
  'discord heartbeat-timeout',
];

/** What some thousand seeds must reach. */
const RARE: readonly string[] = [
  'migration aborted while openingOrigin',
  'migration aborted while verifying',
  'migration aborted while releasing',
  'migration aborted while activating',
  'migration aborted while resuming',
  'release refused after the commit',
  'nodeReplaced',
];
const MANY_SEEDS = 5_000;

export function unreached(marks: Readonly<Record<string, number>>, seeds: number): readonly string[] {
  const required = seeds < MANY_SEEDS ? REQUIRED : [...REQUIRED, ...RARE];
  return required.filter((mark) => (marks[mark] ?? 0) === 0);
}
