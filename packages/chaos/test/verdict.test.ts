/** The verdict by table: what the ledger and the watch say, and what must be made of it. */
import type { SessionHistory, Verdict as LedgerVerdict } from '@dshard/gateway-emulator';
import { describe, expect, test } from 'vitest';
import { EventWatch } from '../src/event-watch.js';
import { judge } from '../src/verdict.js';
import type { VerdictInput } from '../src/verdict.js';
import { Windows } from '../src/windows.js';

const LEDGER: LedgerVerdict = {
  clean: true,
  emitted: 100,
  handled: 100,
  lost: 0,
  missed: 0,
  duplicated: 0,
  redelivered: 0,
  outOfOrder: 0,
  unexpected: 0,
  examples: [],
  identifies: { used: 3, inWrongWindow: 0, whileResumable: 0 },
  violations: [],
  violationCounts: {},
  gaps: [],
};

/** Calm to 100, node-kill to 200, calm to 300, gateway-reset to 400, calm to 500, node-pause to 600, calm. */
function windows(): Windows {
  const made = new Windows(0);
  made.enter('node-kill', 100);
  made.enter('calm', 200);
  made.enter('gateway-reset', 300);
  made.enter('calm', 400);
  made.enter('node-pause', 500);
  made.enter('calm', 600);
  return made;
}

function session(shard: number, ended: string | null, sessionId = `session-${shard}`): SessionHistory {
  const about = { sessionId, shard, count: 3 };
  return {
    ...about,
    emitted: 0,
    replayed: 0,
    resumes: 0,
    events: [
      { kind: 'attached', at: 1, ...about, connection: 1, resumedFrom: null, replayed: 0 },
      ...(ended === null ? [] : [{ kind: 'ended', at: 250, ...about, reason: ended } as const]),
    ],
  };
}

function judged(
  input: Partial<Omit<VerdictInput, 'ledger'>> & { ledger?: Partial<LedgerVerdict> },
): ReturnType<typeof judge> {
  return judge({
    seed: 1,
    minutes: 3,
    shards: 3,
    sessions: [0, 1, 2].map((shard) => session(shard, null)),
    windows: windows(),
    repeats: [],
    lost: [],
    moves: [],
    failures: [],
    ...input,
    ledger: { ...LEDGER, ...input.ledger },
  });
}

const repeat = (at: number, marked: boolean): VerdictInput['repeats'][number] => ({
  id: '7',
  shard: 2,
  at,
  node: 'b',
  before: 'a',
  beforeMarked: false,
  agoMs: 7,
  marked,
});
const move = (startedAt: number, endedAt: number): VerdictInput['moves'][number] => ({
  text: 'move shard 1',
  startedAt,
  endedAt,
  failure: 'the destination did not answer',
});
const doubleAttach = (at: number): LedgerVerdict['violations'][number] => ({
  kind: 'double-attach',
  at,
  connection: 1,
  shard: 1,
  sessionId: 's',
  message: 'Shard 1 was resumed while connection 1 still held it.',
});

describe('the verdict holds', () => {
  test.each<[string, Parameters<typeof judged>[0]]>([
    ['nothing wrong in it', {}],
    ['marked repeats after a node was killed', { ledger: { redelivered: 1 }, repeats: [repeat(150, true)] }],
    [
      'the event that a process was stopped in the middle of',
      { ledger: { duplicated: 1 }, repeats: [repeat(550, false)] },
    ],
    ['a move that failed while a fault was on', { moves: [move(90, 110)] }],
    [
      'an IDENTIFY for a session that was gone',
      {
        ledger: { identifies: { used: 4, inWrongWindow: 0, whileResumable: 0 } },
        sessions: [
          session(0, 'nobody resumed it in time'),
          session(0, null, 'again'),
          session(1, null),
          session(2, null),
        ],
      },
    ],
  ])('for a run with %s', (_, input) => {
    expect(judged(input)).toMatchObject({ verdict: { ok: true }, reasons: [] });
  });
});

describe('the verdict does not hold', () => {
  test.each<[string, Parameters<typeof judged>[0], RegExp]>([
    ['a lost event', { ledger: { lost: 1, handled: 99 } }, /1 events were lost/],
    [
      'with the fault it belongs to',
      { ledger: { lost: 1 }, lost: [{ id: '7', shard: 2, window: windows().at(310) }] },
      /lost: event 7 of shard 2, in fault 2 \(gateway-reset\)/,
    ],
    [
      'a repeat without the mark, even after a kill',
      { ledger: { duplicated: 1 }, repeats: [repeat(150, false)] },
      /without the mark: event 7 of shard 2, by b, 7 ms after a, in fault 1 \(node-kill\)/,
    ],
    [
      'a second one of the same pause',
      { ledger: { duplicated: 2 }, repeats: [repeat(550, false), repeat(560, false)] },
      /1 events were repeated without the mark/,
    ],
    [
      'a marked repeat where no node was lost',
      { repeats: [repeat(310, true)] },
      /marked, though no node was lost.*fault 2/,
    ],
    ['a marked repeat in the calm', { repeats: [repeat(250, true)] }, /in the calm before fault 2/],
    ['events out of order', { ledger: { outOfOrder: 2 } }, /2 events were handled out of order/],
    [
      'an IDENTIFY where the session lived',
      { ledger: { identifies: { used: 4, inWrongWindow: 0, whileResumable: 0 } } },
      /4 IDENTIFYs were used where 3 were needed/,
    ],
    ['a planned move that failed in the calm', { moves: [move(210, 220)] }, /a planned move failed.*did not answer/],
    ['two connections on one session in the calm', { ledger: { violations: [doubleAttach(250)] } }, /double-attach/],
    ['processes that were left', { failures: ['processes were left: 17'] }, /processes were left: 17/],
    ['nothing emitted', { ledger: { emitted: 0, handled: 0 } }, /no event was emitted/],
  ])('and names its reason: %s', (_, input, reason) => {
    const { verdict, reasons } = judged(input);
    expect(verdict.ok).toBe(false);
    expect(reasons.join('\n')).toMatch(reason);
  });

  test('when there are many findings of a kind, and it tells the first of them and how many more', () => {
    const { reasons } = judged({ repeats: Array.from({ length: 30 }, () => repeat(250, true)) });
    expect(reasons).toHaveLength(9);
    expect(reasons.at(-1)).toMatch(/22 more/);
  });
});

test('the watch knows what is open, what counts as lost, and who repeated what', () => {
  const watch = new EventWatch();
  watch.emitted('1', 0, 10);
  watch.emitted('2', 0, 20);
  watch.handled('a', { id: '1', at: 5 }, 15);
  watch.handled('b', { id: '1', at: 12, redelivered: true }, 25);
  watch.handled('b', { id: 'never emitted', at: 13 }, 26);
  expect(watch.openBefore(20)).toEqual([]);
  expect(watch.countAsLost(21)).toMatchObject([{ id: '2' }]);
  expect(watch.openBefore(100)).toEqual([]);
  expect(watch.repeats).toEqual([
    { id: '1', shard: 0, at: 25, node: 'b', before: 'a', beforeMarked: false, agoMs: 7, marked: true },
  ]);
});
