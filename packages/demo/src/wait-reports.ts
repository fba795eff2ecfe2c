/** How long frozen shards waited for handlers, as the bot processes saw it: one line of JSON per freeze, in a file they share. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export type WaitReport = { shard: number; ms: number };

export function reportWait(file: string, report: WaitReport): void {
  // A line is far shorter than what a file system appends in one piece.
  appendFileSync(file, `${JSON.stringify(report)}\n`);
}

export function readWaitReports(file: string): readonly WaitReport[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as WaitReport);
}

/** The wait of each move, in the order of `moves`: the first of a shard's moves has its first wait. */
export function waitsOf(moves: readonly { shard: number }[], reports: readonly WaitReport[]): readonly number[] {
  const waits = new Map<number, number[]>();
  for (const { shard, ms } of reports) waits.set(shard, [...(waits.get(shard) ?? []), ms]);
  return moves.flatMap(({ shard }) => waits.get(shard)?.shift() ?? []);
}
