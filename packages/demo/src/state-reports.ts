/** What the bot processes found when a shard had come to them: one line of JSON per move, in a file they share. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** `forgotten`: the shard came without anything, since its node had died. */
export type StateReport = { shard: number; bytes: number; wrong: number; forgotten: boolean };

export function reportState(file: string, report: StateReport): void {
  // A line is far shorter than what a file system appends in one piece.
  appendFileSync(file, `${JSON.stringify(report)}\n`);
}

export function readStateReports(file: string): readonly StateReport[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as StateReport);
}
