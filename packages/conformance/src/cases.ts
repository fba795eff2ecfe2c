/** What each library has to get through. A case throws CheckFailed if it does not, and returns what to tell. */
import type { EmulatorOptions, Verdict } from '@dshard/gateway-emulator';
import { CheckFailed, type Rig } from './rig.js';

export type Case = {
  name: string;
  title: string;
  /** In the short form of the suite too. */
  short?: true;
  /** Default: two shards. */
  options?: EmulatorOptions;
  run: (rig: Rig) => Promise<string | void>;
};

export const two: EmulatorOptions = { shards: 2, guilds: 6, maxConcurrency: 2 };
const rate = 100;
/** Longer than any backoff a library was seen to take. */
const recoveryMs = 45_000;

export const cases: readonly Case[] = [
  {
    name: 'login',
    title: 'login',
    short: true,
    options: { shards: 1, guilds: 3 },
    run: async (rig) => {
      await rig.ready();
      const ready = rig.heard.find((message) => message.kind === 'ready');
      const userId = ready?.kind === 'ready' ? ready.userId : null;
      if (userId !== rig.emulator.world.userId) throw new CheckFailed('user', `the bot took itself for user ${userId}`);
      const verdict = rig.emulator.ledger.verdict();
      identified(verdict, 1);
      noViolation(verdict);
    },
  },
  {
    name: 'guilds',
    title: 'all guilds',
    short: true,
    options: { shards: 2, guilds: 40, members: 10, maxConcurrency: 2 },
    run: async (rig) => {
      await rig.ready();
      const known = (): number =>
        new Set(rig.heard.flatMap((message) => (message.kind === 'guild' ? [message.id] : []))).size;
      await rig.until('guilds', 'knowing 40 guilds', () => known() === 40, 15_000);
    },
  },
  {
    name: 'messages',
    title: 'messages',
    short: true,
    run: async (rig) => {
      await rig.ready();
      await flow(rig, 200);
      const verdict = await rig.settle();
      handledOnce(verdict);
      noViolation(verdict);
    },
  },
  {
    name: 'op7',
    title: 'RECONNECT (op 7)',
    short: true,
    run: (rig) => resumes(rig, () => rig.emulator.admin.reconnect()),
  },
  {
    name: 'op9-resumable',
    title: 'INVALID_SESSION, resumable (op 9 true)',
    run: (rig) => resumes(rig, () => rig.emulator.admin.invalidate({}, { resumable: true })),
  },
  {
    name: 'op9',
    title: 'INVALID_SESSION (op 9 false)',
    short: true,
    run: (rig) => startsAnew(rig, () => rig.emulator.admin.invalidate()),
  },
  {
    name: 'zombie',
    title: 'zombie connection',
    options: { ...two, heartbeatIntervalMs: 4_000, heartbeatTimeoutMs: 600_000 },
    run: (rig) => resumes(rig, () => rig.emulator.admin.stall()),
  },
  {
    name: 'resume',
    title: 'resume with replay',
    short: true,
    run: async (rig) => {
      await resumes(rig, () => {
        rig.emulator.admin.drop();
        rig.emulator.traffic.burst(50);
      });
      const unreplayed = rig.emulator.ledger.sessions().filter(({ replayed }) => replayed === 0);
      if (unreplayed.length > 0)
        throw new CheckFailed('no-replay', `${unreplayed.length} sessions had nothing replayed`);
    },
  },
  {
    name: 'resume-url-dead',
    title: 'resume URL dead',
    run: async (rig) => {
      await rig.ready();
      await flow(rig, 20);
      await rig.settle();
      await rig.emulator.admin.setResumeHost('refuse');
      const since = rig.heard.length;
      rig.emulator.admin.drop();
      const back = (): boolean => rig.attached() === rig.shards;
      await rig.until('not-back', 'a session on the generic host', back, recoveryMs);
      await rig.until(
        'not-back',
        'news of it',
        () => rig.count('ready', since) + rig.count('resumed', since) >= rig.shards,
        5_000,
      );
      await flow(rig, 20);
      handledOnce(await rig.settle());
      return rig.count('resumed', since) === rig.shards
        ? 'resumes on the generic host'
        : 'identifies on the generic host';
    },
  },
  {
    name: 'session-expired',
    title: 'session expired',
    run: (rig) =>
      startsAnew(rig, () => {
        rig.emulator.admin.drop();
        rig.emulator.admin.expire();
      }),
  },
  {
    name: 'identify-windows',
    title: 'identify windows, 12 shards by 4',
    options: { shards: 12, guilds: 24, maxConcurrency: 4 },
    run: async (rig) => {
      await rig.ready(90_000);
      const verdict = rig.emulator.ledger.verdict();
      noViolation(verdict);
      identified(verdict, 12);
    },
  },
];

/** So many messages of steady traffic have been handled. */
async function flow(rig: Rig, messages: number): Promise<void> {
  const { traffic, ledger } = rig.emulator;
  traffic.start(rate);
  const before = ledger.verdict().handled;
  await rig.until('no-messages', `${messages} messages`, () => ledger.verdict().handled >= before + messages, 15_000);
}

/** After the fault every shard resumes, and nothing is lost or comes twice. */
function resumes(rig: Rig, fault: () => unknown): Promise<void> {
  return recovers(rig, fault, { by: 'resumed', identifies: rig.shards });
}

/** After the fault every shard has a new session, and gets its messages. */
function startsAnew(rig: Rig, fault: () => unknown): Promise<void> {
  return recovers(rig, fault, { by: 'ready', identifies: 2 * rig.shards });
}

async function recovers(
  rig: Rig,
  fault: () => unknown,
  { by, identifies }: { by: 'resumed' | 'ready'; identifies: number },
): Promise<void> {
  await rig.ready();
  await flow(rig, 20);
  // What a session that ends was given is handled first.
  if (by === 'ready') await rig.settle();
  const since = rig.heard.length;
  fault();
  const all = (): boolean => rig.count(by, since) === rig.shards && rig.attached() === rig.shards;
  const [code, what] = by === 'ready' ? ['not-started-anew', 'READY'] : ['not-resumed', 'RESUMED'];
  await rig.until(code, `${what} of every shard`, all, recoveryMs);
  await flow(rig, 20);
  const verdict = await rig.settle();
  handledOnce(verdict);
  noViolation(verdict);
  identified(verdict, identifies);
}

/** What cases ask of a verdict. */
const findings = ['lost', 'duplicated', 'outOfOrder', 'unexpected'] as const;

/** Every event a session was given was handled once and in order. What nobody could get (`missed`) is not asked for. */
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
