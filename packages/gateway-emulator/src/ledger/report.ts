/** The verdict for people. */
import type { ShardSummary, Verdict } from './ledger.js';

const maxShardsShown = 64;
const maxViolationsShown = 20;

export function reportText(verdict: Verdict, shards: readonly ShardSummary[]): string {
  const { emitted, handled, identifies, gaps } = verdict;
  const lines = [
    verdict.clean ? 'CLEAN: nothing lost, repeated or reordered, no rule broken.' : 'NOT CLEAN',
    '',
    `events      ${emitted} emitted, ${handled} handled, ${verdict.lost} lost, ${verdict.missed} without a session`,
    `repeats     ${verdict.duplicated} unmarked, ${verdict.redelivered} marked as redelivered`,
    `order       ${verdict.outOfOrder} after a later one; ${verdict.unexpected} reports of nothing that was emitted`,
    `identifies  ${identifies.used}, ${identifies.inWrongWindow} of them too early, ${identifies.whileResumable} while a session could be resumed`,
    `gaps        ${gaps.length === 0 ? 'none' : gapsText(gaps.map(({ ms }) => ms))}`,
    ...section('Findings', verdict.examples),
    ...section('Rules broken', violationLines(verdict)),
    ...section('Shards', shardLines(shards)),
  ];
  return `${lines.join('\n')}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function gapsText(ms: readonly number[]): string {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? 0);
  return `${ms.length} resumes, ${at(0.5)} ms p50, ${at(0.99)} ms p99, ${at(1)} ms at most`;
}

function violationLines({ violations, violationCounts }: Verdict): string[] {
  const counts = Object.entries(violationCounts).map(([kind, count]) => `${count} × ${kind}`);
  const examples = violations
    .slice(0, maxViolationsShown)
    .map(({ kind, shard, message }) => `${kind}${shard === null ? '' : ` (shard ${shard})`}: ${message}`);
  const more = violations.length - examples.length;
  return [...counts, ...examples, ...(more > 0 ? [`… and ${more} more`] : [])];
}

function shardLines(shards: readonly ShardSummary[]): string[] {
  const lines = shards
    .slice(0, maxShardsShown)
    .map(
      ({ shard, count, sessions, resumes, emitted, replayed }) =>
        `${shard}/${count}: ${sessions} sessions, ${resumes} resumes, ${emitted} emitted, ${replayed} replayed`,
    );
  return shards.length > maxShardsShown ? [...lines, `… and ${shards.length - maxShardsShown} more`] : lines;
}
