/** What each library has to get through. A case throws CheckFailed where the library does not; what it returns is worth telling. */
import type { EmulatorOptions, Verdict } from '@dshard/gateway-emulator';
import type { Trial } from './trial.js';
import { CheckFailed } from './trial.js';

export type Case = {
  name: string;
  title: string;
  /** In the short form of the suite too. */
  short: boolean;
  options: EmulatorOptions;
  run: (trial: Trial) => Promise<string | undefined>;
};

const two: EmulatorOptions = { shards: 2, guilds: 6, maxConcurrency: 2 };
const rate = 100;
/** Longer than any backoff a library was seen to take. */
const recoveryMs = 45_000;

export const cases: readonly Case[] = [
  {
    name: 'login',
    title: 'login',
    short: true,
    options: { shards: 1, guilds: 3 },
    run: async (trial) => {
      await trial.ready();
      const ready = trial.heard.find((message) => message.kind === 'ready');
      const userId = ready?.kind === 'ready' ? ready.userId : null;
      if (userId !== trial.emulator.world.userId)
        throw new CheckFailed('user', `the bot took itself for user ${userId}`);
      const verdict = trial.emulator.ledger.verdict();
      identified(verdict, 1);
      noViolation(verdict);
      return undefined;
    },
  },
  {
    name: 'guilds',
    title: 'all guilds',
    short: true,
    options: { shards: 2, guilds: 40, members: 10, maxConcurrency: 2 },
    run: async (trial) => {
      await trial.ready();
      const known = (): number =>
        new Set(trial.heard.flatMap((message) => (message.kind === 'guild' ? [message.id] : []))).size;
      await trial.until('guilds', 'knowing 40 guilds', () => known() === 40, 15_000);
      return undefined;
    },
  },
  {
    name: 'messages',
    title: 'messages',
    short: true,
    options: two,
    run: async (trial) => {
      await trial.ready();
      await flow(trial, 200);
      const verdict = await trial.settle();
      handledOnce(verdict);
      noViolation(verdict);
      return undefined;
    },
  },
  {
    name: 'op7',
    title: 'RECONNECT (op 7)',
    short: true,
    options: two,
    run: (trial) => resumes(trial, () => trial.emulator.admin.reconnect()),
  },
  {
    name: 'op9-resumable',
    title: 'INVALID_SESSION, resumable (op 9 true)',
    short: false,
    options: two,
    run: (trial) => resumes(trial, () => trial.emulator.admin.invalidate({}, { resumable: true })),
  },
  {
    name: 'op9',
    title: 'INVALID_SESSION (op 9 false)',
    short: true,
    options: two,
    run: (trial) => startsAnew(trial, () => trial.emulator.admin.invalidate()),
  },
  {
    name: 'zombie',
    title: 'zombie connection',
    short: false,
    options: { ...two, heartbeatIntervalMs: 4_000, heartbeatTimeoutMs: 600_000 },
    run: (trial) => resumes(trial, () => trial.emulator.admin.stall()),
  },
  {
    name: 'resume',
    title: 'resume with replay',
    short: true,
    options: two,
    run: async (trial) => {
      await resumes(trial, () => {
        trial.emulator.admin.drop();
        trial.emulator.traffic.burst(50);
      });
      const unreplayed = trial.emulator.ledger.sessions().filter(({ replayed }) => replayed === 0);
      if (unreplayed.length > 0)
        throw new CheckFailed('no-replay', `${unreplayed.length} sessions had nothing replayed`);
      return undefined;
    },
  },
  {
    name: 'resume-url-dead',
    title: 'resume URL dead',
    short: false,
    options: two,
    run: async (trial) => {
      await trial.ready();
      await flow(trial, 20);
      await trial.settle();
      await trial.emulator.admin.setResumeHost('refuse');
      const since = trial.heard.length;
      trial.emulator.admin.drop();
      const back = (): boolean => trial.attached() === trial.shards;
      await trial.until('not-back', 'a session on the generic host', back, recoveryMs);
      await trial.until(
        'not-back',
        'news of it',
        () => trial.count('ready', since) + trial.count('resumed', since) >= trial.shards,
        5_000,
      );
      await flow(trial, 20);
      handledOnce(await trial.settle());
      return trial.count('resumed', since) === trial.shards
        ? 'resumes on the generic host'
        : 'identifies on the generic host';
    },
  },
  {
    name: 'session-expired',
    title: 'session expired',
    short: false,
    options: two,
    run: (trial) =>
      startsAnew(trial, () => {
        trial.emulator.admin.drop();
        trial.emulator.admin.expire();
      }),
  },
  {
    name: 'identify-windows',
    title: 'identify windows, 12 shards by 4',
    short: false,
    options: { shards: 12, guilds: 24, maxConcurrency: 4 },
    run: async (trial) => {
      await trial.ready(90_000);
      const verdict = trial.emulator.ledger.verdict();
      noViolation(verdict);
      identified(verdict, 12);
      return undefined;
    },
  },
];

/** So many messages of steady traffic have been handled. */
async function flow(trial: Trial, messages: number): Promise<void> {
  const { traffic, ledger } = trial.emulator;
  traffic.start(rate);
  const before = ledger.verdict().handled;
  await trial.until('no-messages', `${messages} messages`, () => ledger.verdict().handled >= before + messages, 15_000);
}

/** After the fault every shard resumes, and nothing is lost or comes twice. */
async function resumes(trial: Trial, fault: () => unknown): Promise<string | undefined> {
  await trial.ready();
  await flow(trial, 20);
  const since = trial.heard.length;
  fault();
  const all = (): boolean => trial.count('resumed', since) === trial.shards && trial.attached() === trial.shards;
  await trial.until('not-resumed', 'RESUMED of every shard', all, recoveryMs);
  await flow(trial, 20);
  const verdict = await trial.settle();
  handledOnce(verdict);
  noViolation(verdict);
  identified(verdict, trial.shards);
  return undefined;
}

/** After the fault every shard has a new session, and gets its messages. */
async function startsAnew(trial: Trial, fault: () => unknown): Promise<string | undefined> {
  await trial.ready();
  await flow(trial, 20);
  await trial.settle();
  const since = trial.heard.length;
  fault();
  const all = (): boolean => trial.count('ready', since) === trial.shards && trial.attached() === trial.shards;
  await trial.until('not-started-anew', 'READY of every shard', all, recoveryMs);
  await flow(trial, 20);
  const verdict = await trial.settle();
  handledOnce(verdict);
  noViolation(verdict);
  identified(verdict, 2 * trial.shards);
  return undefined;
}

/** What cases ask of a verdict. */
const findings = ['lost', 'duplicated', 'outOfOrder', 'unexpected'] as const;

/** Every event that a session was given was handled once and in order. What nobody could get (`missed`) is not asked for. */
function handledOnce(verdict: Verdict): void {
  for (const finding of findings) {
    if (verdict[finding] === 0) continue;
    const examples = verdict.examples.slice(0, 3).join('; ');
    throw new CheckFailed(finding, `${verdict[finding]} of ${verdict.emitted} events ${finding}: ${examples}`);
  }
}

/** No rule of Discord was broken. */
function noViolation(verdict: Verdict): void {
  const [first] = verdict.violations;
  if (first !== undefined)
    throw new CheckFailed(first.kind, `${verdict.violations.length} violations, the first: ${first.message}`);
}

function identified(verdict: Verdict, times: number): void {
  const { used } = verdict.identifies;
  if (used !== times) throw new CheckFailed('identifies', `IDENTIFY was sent ${used} times and not ${times}`);
}
