/** What scenario `bad-rollout` measures, and what of it is amiss. */

/** What is wrong with a version. */
export type Fault = 'dies' | 'login' | 'unwell' | 'import';

/** How one bad version fared. */
export type BadRolloutCase = {
  fault: Fault;
  version: string;
  /** Of `dso rollout`, and its last sentence. */
  exitCode: number;
  said: string;
  /** Shards that had moved to it when that was found out. */
  moved: number;
  /** From the moment at which it was found out until the last shard was back. */
  revertMs: number;
  identifies: number;
  /** One for each shard that was on a node of it when that died: discord.js needs its guilds anew. */
  identifiesAllowed: number;
  /** Moves of the revert, and how many of them began while the disruption budget was used up. */
  movesBack: number;
  movesBackBeyondBudget: number;
  /** Shards up on the old version, and processes of the new one that are left. */
  upOnOld: number;
  leftOver: number;
};

export type BadRolloutFigures = { bake: string; canary: number; cases: readonly BadRolloutCase[] };

/** What is wrong with how the bad versions fared, in sentences. */
export function badRolloutProblems({ canary, cases }: BadRolloutFigures, shards: number): string[] {
  return cases.flatMap((each) => {
    const { version, exitCode, identifies, identifiesAllowed, upOnOld, leftOver, moved, fault } = each;
    return [
      exitCode === 0 && `the rollout of ${version} succeeded: ${each.said}`,
      identifies > identifiesAllowed &&
        `the rollout of ${version} cost ${identifies} IDENTIFYs, and ${identifiesAllowed} shards were on a node that died`,
      moved > canary && `${moved} shards had moved to ${version}, and the canary is ${canary}`,
      fault === 'unwell' && each.movesBackBeyondBudget === 0 && `the revert of ${version} waited for the budget`,
      upOnOld < shards && `${upOnOld} of ${shards} shards are up on the old version after ${version}`,
      leftOver > 0 && `${leftOver} processes of ${version} are left over`,
    ].filter((problem) => problem !== false);
  });
}
