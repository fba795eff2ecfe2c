/**
 * Scenario `bad-rollout`: four versions of a discord.js bot that must not get into production, each rolled out as an
 * operator does it (`dso pullnewversion && dso rollout`), under traffic. One dies 4 s after it is ready, one cannot log
 * in, one says of itself that it is not well, one throws in importShard. Each is reverted onto the old processes, which
 * never ended.
 *
 * The times for which moved shards are watched are short here (`--bake`), which the output says: it is about what
 * becomes of a bad version, and not about how long one waits for it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '@dshard/transport';
import { PROCESSES_FILE } from '../fleet.js';
import { runsDso, type HistoryRow } from '../orchestrator.js';
import { waitFor } from '../steps.js';
import { allShardsRunning, lastEventHandled, startShardsAndTraffic, type Tour, type TourContext } from '../tour.js';
import { FAULTY, UNWELL_BECAUSE, type Fault } from './faults.js';

/** One shard at a time may be down or moving: so it shows that a revert does not wait for that. */
export const BAD_ROLLOUT_SETTINGS = { maxUnavailable: 1, 'timeouts.launch': '20s' } as const;

const BAKE = '10s';
const CANARY = 3;
const BETWEEN_CASES_MS = 1_500;
const LINGER_MS = 45_000;

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

const CASES: readonly { fault: Fault; about: string; why: RegExp }[] = [
  { fault: 'dies', about: 'dies 4 s after it is ready', why: /ended|exited|was lost/u },
  { fault: 'login', about: 'cannot log in: its token is wrong', why: /new node could (?:not )?be started/u },
  { fault: 'unwell', about: `says of itself that ${UNWELL_BECAUSE}`, why: new RegExp(UNWELL_BECAUSE, 'u') },
  { fault: 'import', about: 'throws in importShard', why: /importShard|did not take the state/u },
];

export const badRolloutTour: Tour = async (context) => {
  await startShardsAndTraffic(context);
  const cases: BadRolloutCase[] = [];
  for (const { fault, about, why } of CASES) {
    const version = FAULTY[fault];
    const { fleet, steps, clock } = context;
    await fleet.offerVersion(version);
    await steps.run(`fetching ${version}, which ${about}`, () => fleet.client.post('/pullnewversion'));
    // Two reverts one soon after the other freeze rollouts, until somebody insists.
    const force = cases.length >= 2;
    await steps.run(
      `rolling it out: canary of ${CANARY} shards, watched for ${BAKE}${force ? ', with --force after two reverts' : ''}`,
      async () => {
        cases.push(await rollOut(context, fault, force));
      },
    );
    const said = cases.at(-1)?.said ?? '';
    if (!why.test(said)) throw new Error(`It had to be said why ${version} was reverted, and it was said: ${said}`);
    await steps.run('events flow on, on the old version', () => delay(clock, BETWEEN_CASES_MS));
  }
  await lastEventHandled(context);
  const lost = cases.reduce((sum, { identifiesAllowed }) => sum + identifiesAllowed, 0);
  return { migrationsExpected: 0, losses: { shards: lost }, badRollout: { bake: BAKE, canary: CANARY, cases } };
};

async function rollOut(context: TourContext, fault: Fault, force: boolean): Promise<BadRolloutCase> {
  const { fleet, discord, clock } = context;
  const version = FAULTY[fault];
  const identifiesBefore = discord.figures().identifies;
  const lastBefore = (await fleet.client.events(0)).at(-1)?.id ?? 0;
  const args = ['rollout', '--bake', BAKE, '--canary', `${CANARY}`, ...(force ? ['--force'] : [])];
  const { code, said } = await runsDso(fleet.httpUrl, args);
  await allShardsRunning(context);
  const hasEnded = (): boolean => leftOf(fleet.folder, version) === 0;
  // What they are still at may end (`lingerMs`). In vain is fine here: the verdict says what is left.
  await waitFor(clock, 'the new processes to end', LINGER_MS, hasEnded).catch(() => undefined);
  const entries = await fleet.client.events(lastBefore);
  const reverted = entries.find(({ name, text }) => name === 'operationProgress' && text.includes('is reverted'));
  const isAfter = ({ id }: HistoryRow): boolean => reverted !== undefined && id > reverted.id;
  const isBackUp = (entry: HistoryRow): boolean =>
    isAfter(entry) && (entry.name === 'migrationCompleted' || isTakenOver(entry));
  const moves = entries.filter(({ name }) => name === 'migrationStarted');
  const back = moves.filter(isAfter);
  return {
    fault,
    version,
    exitCode: code,
    said,
    moved: entries.filter((entry) => entry.name === 'migrationCompleted' && !isAfter(entry)).length,
    revertMs: Math.max(0, ...entries.filter(isBackUp).map(({ at }) => at - (reverted?.at ?? at))),
    identifies: discord.figures().identifies - identifiesBefore,
    identifiesAllowed: entries.filter(isTakenOver).length,
    movesBack: back.length,
    movesBackBeyondBudget: back.filter((entry) => underWay(entry) >= Number(entry.fields['limit'])).length,
    upOnOld: await shardsUpOn(context, 'v1'),
    leftOver: leftOf(fleet.folder, version),
  };
}

/** Shards that were moving or down when a move began. */
function underWay({ fields }: HistoryRow): number {
  return Number(fields['moving']) + Number(fields['down']);
}

/** A shard whose node had died is up elsewhere. */
function isTakenOver({ name, text }: HistoryRow): boolean {
  return name === 'shardRunning' && text.includes('is resumed');
}

async function shardsUpOn({ fleet }: TourContext, version: string): Promise<number> {
  const { nodes } = await fleet.client.status();
  const shards = nodes.filter((node) => node.version === version).flatMap((node) => node.shards);
  return shards.filter(({ condition }) => condition.kind === 'up').length;
}

/** Processes of the version that still run. */
function leftOf(folder: string, version: string): number {
  const lines = readFileSync(join(folder, PROCESSES_FILE), 'utf8').split('\n');
  return lines.filter((line) => {
    const [pid, what] = line.split(' ');
    return what === version && isAlive(Number(pid));
  }).length;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What is wrong with how the bad versions fared, in sentences. */
export function badRolloutProblems({ cases }: BadRolloutFigures, shards: number): string[] {
  return cases.flatMap((each) => {
    const { version, exitCode, identifies, identifiesAllowed, upOnOld, leftOver, moved, fault } = each;
    return [
      exitCode === 0 && `the rollout of ${version} succeeded: ${each.said}`,
      identifies > identifiesAllowed &&
        `the rollout of ${version} cost ${identifies} IDENTIFYs, and ${identifiesAllowed} shards were on a node that died`,
      moved > CANARY && `${moved} shards had moved to ${version}, and the canary is ${CANARY}`,
      fault === 'unwell' && each.movesBackBeyondBudget === 0 && `the revert of ${version} waited for the budget`,
      upOnOld < shards && `${upOnOld} of ${shards} shards are up on the old version after ${version}`,
      leftOver > 0 && `${leftOver} processes of ${version} are left over`,
    ].filter((problem) => problem !== false);
  });
}
