/** When a quiet connection is doubted: tables of what comes, and when the session is resumed anew. */
import { describe, expect, test } from 'vitest';
import { hear, look, silentFor, watchQuiet, type Quiet } from '../../src/gateway-shard/quiet.js';
import { silentMsOf } from '../../src/gateway-shard/state.js';
import { dispatch, Machine, READY, resumed, type EffectOf } from './machine.js';

const QUIET_MS = 30_000;
/** The latest moment of each look. */
const LATEST = 1;

type Watched = { doubtedAt: readonly number[]; quiet: Quiet; toldAt: number | null };

/** Seconds at which it is doubted, when something comes at `eventsAt`. */
function watched(eventsAt: readonly number[], seconds: number, foreign: boolean): Watched {
  const doubtedAt: number[] = [];
  let toldAt: number | null = null;
  let quiet = watchQuiet(QUIET_MS, { now: 0, draw: LATEST }, foreign);
  while (quiet.at <= seconds * 1_000) {
    const { from, at } = quiet;
    if (eventsAt.some((event) => event * 1_000 > from && event * 1_000 <= at)) quiet = hear(quiet, false);
    const looked = look(quiet, QUIET_MS, { now: at, draw: LATEST });
    if (looked.isDoubtful) doubtedAt.push(at / 1_000);
    quiet = looked.quiet;
    if (toldAt === null && silentFor(quiet, QUIET_MS) !== null) toldAt = at / 1_000;
  }
  return { doubtedAt, quiet, toldAt };
}

function every(seconds: number, from: number, to: number): number[] {
  const events: number[] = [];
  for (let at = from + seconds; at <= to; at += seconds) events.push(at);
  return events;
}

const MINUTE = 60;
const HOUR = 3_600;

describe('a connection of a session that was at another node', () => {
  test.each<[string, number[], number, number[]]>([
    ['is left alone while events come', [1, 29, 31, 59, 61, 89], 119, []],
    ['is doubted when nothing comes, and ever more rarely', [], 30 + 60 + 120, [30, 90, 210]],
    ['is doubted soon again after something came', [40], 30 + 60 + 30, [30, 120]],
    ['is doubted every 10 minutes at the rarest', [], 3_000, [30, 90, 210, 450, 930, 1_530, 2_130, 2_730]],
  ])('the connection %s', (_, eventsAt, seconds, doubtedAt) => {
    expect(watched(eventsAt, seconds, true).doubtedAt).toEqual(doubtedAt);
  });

  test('is not doubted together with all others at once', () => {
    const at = [0, 0.5, 0.9].map((draw) => watchQuiet(QUIET_MS, { now: 0, draw }, true).at / 1_000);
    expect(at).toEqual([22.5, 26.25, 29.25]);
  });
});

describe('a connection of a session that began here', () => {
  test.each<[what: string, eventsAt: number[], seconds: number, doubtedAt: number[]]>([
    ['is left alone while events come', every(5, 0, HOUR), HOUR, []],
    [
      'is doubted a minute after a busy shard fell silent, and ever more rarely',
      every(5, 0, 600),
      600 + 480,
      [660, 720, 840, 1_080],
    ],
    ['is left alone where ten minutes of silence are usual', every(10 * MINUTE, 0, 10 * HOUR), 10 * HOUR, [300]],
    [
      'is doubted where a silence is several times the longest of late',
      every(5 * MINUTE, 0, 2 * HOUR),
      2 * HOUR + 14 * MINUTE,
      [2 * HOUR + 810],
    ],
    ['is doubted where nothing came from the first moment on', [], 1_300, [300, 600, 1_200]],
  ])('the connection %s', (_, eventsAt, seconds, doubtedAt) => {
    expect(watched(eventsAt, seconds, false).doubtedAt).toEqual(doubtedAt);
  });

  // An orchestrator that raised an alarm every night would be silenced, and the day of the deaf socket with it.
  test('is doubted less and less when nights are quiet, and nobody is told of one', () => {
    const days = [0, 1, 2, 3, 4].flatMap((day) => {
      const dawn = day * 24 * HOUR;
      return [...every(20, dawn, dawn + 16 * HOUR), ...every(45 * MINUTE, dawn + 16 * HOUR, dawn + 24 * HOUR)];
    });
    const first = watched(days, 24 * HOUR, false);
    const all = watched(days, 5 * 24 * HOUR, false);
    expect(all.doubtedAt.length - first.doubtedAt.length).toBeLessThan(first.doubtedAt.length * 4);
    expect(all.doubtedAt.filter((at) => at > 4 * 24 * HOUR).length).toBeLessThanOrEqual(2);
  });

  test('is told of when three RESUMEs in a row brought nothing, and never where nobody knows what is usual', () => {
    expect(watched(every(5, 0, 600), 3 * HOUR, false).toldAt).toBe(840);
    expect(watched([], 100 * HOUR, false).toldAt).toBeNull();
    expect(watched(every(8 * HOUR, 0, 48 * HOUR), 72 * HOUR, false).toldAt).toBeNull();
  });
});

/** A shard whose session began here, and to which something comes every five seconds for ten minutes. */
function busyShard(): Machine {
  const machine = new Machine({ session: null });
  machine.on({ kind: 'connect' }, { kind: 'hello' }, { kind: 'permit' }, READY);
  for (let s = 2; s <= 120; s += 1) machine.after(5_000).on(dispatch(s));
  expect(machine.all.filter(({ kind }) => kind === 'open')).toHaveLength(1);
  return machine;
}

/** Passes time until the shard resumes; null: it does not. */
function untilResumed(machine: Machine, withinMs: number): EffectOf<'resume'> | null {
  for (let passed = 0; passed < withinMs; passed += 1_000) {
    machine.after(1_000);
    if (machine.state.link.kind === 'closing') machine.on({ kind: 'closed', code: 4200 });
    if (machine.state.link.kind === 'asking') machine.on({ kind: 'lease', outcome: 'confirmed' });
    if (machine.state.link.kind === 'connecting') {
      machine.on({ kind: 'hello' }, { kind: 'lease', outcome: 'confirmed' });
      return machine.effect('resume') ?? null;
    }
  }
  return null;
}

describe('a shard on a deaf socket', () => {
  // Operators told of fifteen hours: heartbeats were acknowledged, so nobody looked.
  test('resumes its own session, misses nothing, and says that it was deaf', () => {
    const machine = busyShard();
    const resume = untilResumed(machine, 120_000);
    expect(resume?.session).toMatchObject({ sessionId: 'new', sequence: 120 });
    machine.on(dispatch(121), dispatch(122), dispatch(123, 'RESUMED'));
    expect(machine.delivered.slice(-3)).toEqual(['121', '122', '123']);
    expect(machine.all.filter(({ kind }) => kind === 'identify')).toHaveLength(1);
    expect(machine.all).toContainEqual({ kind: 'log', level: 'warn', text: expect.stringMatching(/was deaf/) });
    expect(silentMsOf(machine.state)).toBeNull();
  });

  test('that Discord has nothing for is reported as silent after three RESUMEs, and goes on', () => {
    const machine = busyShard();
    const silences: (number | null)[] = [];
    for (let probe = 0; probe < 4; probe += 1) {
      expect(untilResumed(machine, 600_000)).not.toBeNull();
      machine.on(dispatch(121, 'RESUMED'));
      silences.push(silentMsOf(machine.state));
    }
    expect(silences.slice(0, 2)).toEqual([null, null]);
    expect(silences[3]).toBeGreaterThan(240_000);
    machine.on(dispatch(122));
    expect(silentMsOf(machine.state)).toBeNull();
  });

  test('that is frozen is left alone', () => {
    const machine = busyShard().on({ kind: 'freeze' });
    machine.after(600_000).after(600_000);
    expect(machine.state.link.kind).toBe('ready');
    expect(resumed().state.quiet?.foreign).toBe(true);
  });
});

describe('a session that is lost for good', () => {
  const missedOf = (machine: Machine): EffectOf<'missed'> | undefined =>
    machine.all.findLast((effect): effect is EffectOf<'missed'> => effect.kind === 'missed');

  test('is told with the time from the last event that was surely not missed to the new READY', () => {
    const machine = busyShard();
    const lostAt = machine.ms;
    machine.after(3_000).on({ kind: 'invalidSession', resumable: false }, { kind: 'closed', code: 4200 });
    expect(missedOf(machine)).toBeUndefined();
    machine.after(60_000);
    machine.on({ kind: 'hello' }, { kind: 'permit' }, READY);
    expect(missedOf(machine)).toMatchObject({ from: lostAt + 3_000, to: lostAt + 63_000, ready: { t: 'READY' } });
    machine.on(dispatch(2)).after(1_000).on({ kind: 'closed', code: 4000 });
    expect(machine.all.filter(({ kind }) => kind === 'missed')).toHaveLength(1);
  });

  test('is told from the end of the connection on, when Discord refuses the RESUME', () => {
    const machine = busyShard();
    const endedAt = machine.ms;
    machine.on({ kind: 'closed', code: 4000 }).after(2_000);
    machine.on({ kind: 'lease', outcome: 'confirmed' }, { kind: 'hello' }, { kind: 'lease', outcome: 'confirmed' });
    machine.on({ kind: 'invalidSession', resumable: false }, { kind: 'closed', code: 4200 }).after(60_000);
    machine.on({ kind: 'hello' }, { kind: 'permit' }, READY);
    expect(missedOf(machine)?.from).toBe(endedAt);
  });

  test('is told from the beginning of a silence on, for its connection may have been deaf', () => {
    const machine = busyShard();
    const silentFrom = machine.ms;
    expect(untilResumed(machine, 120_000)).not.toBeNull();
    machine.on({ kind: 'invalidSession', resumable: false }, { kind: 'closed', code: 4200 }).after(60_000);
    machine.on({ kind: 'hello' }, { kind: 'permit' }, READY);
    expect(missedOf(machine)?.from).toBeLessThanOrEqual(silentFrom + 30_000);
  });

  test('of another node is told from when that node was last heard of', () => {
    const machine = new Machine();
    machine.ms = 100_000;
    machine.on({ kind: 'connect', ageMs: 40_000 }, { kind: 'lease', outcome: 'confirmed' }, { kind: 'hello' });
    machine.on({ kind: 'lease', outcome: 'confirmed' }, { kind: 'invalidSession', resumable: false });
    machine.on({ kind: 'closed', code: 4200 }).after(60_000).on({ kind: 'hello' }, { kind: 'permit' }, READY);
    expect(missedOf(machine)?.from).toBe(60_000);
  });

  test('is not told of where there was none, or where a RESUME brought everything', () => {
    expect(missedOf(busyShard())).toBeUndefined();
    expect(missedOf(resumed())).toBeUndefined();
  });
});
