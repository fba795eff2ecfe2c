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
import type { BadRolloutCase, Fault } from '../bad-rollout-figures.js';
import { PROCESSES_FILE } from '../fleet.js';
import { runsDso, type HistoryRow } from '../orchestrator.js';
import { waitFor } from '../steps.js';
import { allShardsRunning, lastEventHandled, startShardsAndTraffic, type Tour, type TourContext } from '../tour.js';
import { FAULTY, UNWELL_BECAUSE } from './faults.js';

/** One shard at a time may be down or moving: so it shows that a revert does not wait for that. */
export const BAD_ROLLOUT_SETTINGS = { maxUnavailable: 1, 'timeouts.launch': '20s' } as const;

const BAKE = '10s';
const CANARY = 3;
const BETWEEN_CASES_MS = 1_500;
const LINGER_MS = 45_000;

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
    movesBackBeyondBudget: back.filter((entry) => isBesideAnother(entry, entries)).length,
    upOnOld: await shardsUpOn(context, 'v1'),
    leftOver: leftOf(fleet.folder, version),
  };
}

/** A move that began while another one was under way: one shard at a time may be down or moving. */
function isBesideAnother({ id }: HistoryRow, entries: readonly HistoryRow[]): boolean {
  const before = entries.filter((each) => each.id < id);
  const begun = before.filter(({ name }) => name === 'migrationStarted').length;
  return begun > before.filter(({ name }) => name === 'migrationCompleted' || name === 'migrationFailed').length;
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
