import { describe, expect, test } from 'vitest';
import type { BadRolloutCase } from '../src/bad-rollout-figures.js';
import { startFigures } from '../src/start-tour.js';
import { judge, type LedgerFigures, type VerdictInput } from '../src/verdict.js';

const clean: LedgerFigures = {
  emitted: 100,
  handled: 100,
  lost: 0,
  duplicated: 0,
  redelivered: 0,
  outOfOrder: 0,
  identifiesUsed: 8,
  findings: [],
  doubleAttaches: [],
  gapsMs: [],
};

function input(ledger: Partial<LedgerFigures> = {}, rest: Partial<VerdictInput> = {}): VerdictInput {
  return {
    shards: 8,
    nodes: 2,
    ledger: { ...clean, ...ledger },
    migrations: { completed: 13, failed: 0, frozenMs: [40, 20], handlerWaitMs: [] },
    migrationsExpected: 13,
    forgotten: 0,
    durationMs: 1000.4,
    ...rest,
  };
}

function start(begunAt: number[], inWrongWindow = 0): ReturnType<typeof startFigures> {
  return startFigures({ shards: 4, maxConcurrency: 2, identifyWindow: 5_000 }, { begunAt, inWrongWindow });
}

describe('the verdict', () => {
  test('holds for a ledger in which nothing was lost, repeated or reordered', () => {
    const { verdict, reasons } = judge(input({ gapsMs: [30, 10, 20.04] }));
    expect(reasons).toEqual([]);
    expect(verdict).toEqual({
      ok: true,
      shards: 8,
      nodes: 2,
      events: { emitted: 100, handled: 100, lost: 0, duplicated: 0, redelivered: 0, outOfOrder: 0 },
      identifies: { used: 8, needed: 8 },
      migrations: {
        completed: 13,
        failed: 0,
        gapMs: { p50: 20, p99: 30, max: 30 },
        frozenMs: { p50: 20, p99: 40, max: 40 },
      },
      durationMs: 1000,
    });
  });

  test.each<[string, VerdictInput, RegExp]>([
    ['nothing emitted', input({ emitted: 0, handled: 0 }), /no event/],
    ['one lost', input({ lost: 1, handled: 99 }), /lost/],
    ['one repeated', input({ duplicated: 1 }), /twice/],
    ['one reordered', input({ outOfOrder: 1 }), /out of order/],
    ['one unaccounted for', input({ handled: 99 }), /100 events were emitted and 99 handled/],
    ['one IDENTIFY too many', input({ identifiesUsed: 9 }), /9 IDENTIFYs/],
    ['one IDENTIFY too few', input({ identifiesUsed: 7 }), /7 IDENTIFYs/],
    [
      'a failed migration',
      input({}, { migrations: { completed: 13, failed: 1, frozenMs: [], handlerWaitMs: [] } }),
      /failed/,
    ],
    [
      'a migration that never happened',
      input({}, { migrations: { completed: 12, failed: 0, frozenMs: [], handlerWaitMs: [] } }),
      /12 migrations/,
    ],
    ['a marked repeat without a crash', input({ redelivered: 1 }), /though no node died/],
    ['two connections of a session', input({ doubleAttaches: ['shard 3 was resumed'] }), /shard 3 was resumed/],
    [
      'one more of them than shards of nodes that stood still',
      input({ doubleAttaches: ['shard 3', 'shard 4'] }, { losses: { shards: 1, asleep: 1 } }),
      /^shard 4$/,
    ],
    [
      'more states gone than nodes',
      input({}, { losses: { shards: 1 }, forgotten: 2 }),
      /2 shards had lost their state/,
    ],
    ['a slow takeover', input({ gapsMs: [10, 3_000] }, { takeovers: { expected: 2 } }), /without an owner/],
    ['a shard nobody took over', input({ gapsMs: [10] }, { takeovers: { expected: 2 } }), /1 shards were/],
    ['a shard that forgot', input({ gapsMs: [1] }, { takeovers: { expected: 1 }, forgotten: 2 }), /lost their state/],
    ['a slow start', input({}, { start: start([0, 1, 5_000, 5_601]) }), /1.12 times what Discord's pace allows/],
    ['an IDENTIFY in a wrong window', input({}, { start: start([0, 0, 5_000, 5_000], 1) }), /window of another/],
    [
      'a call that missed a shard',
      input({}, { calls: { made: 9, wrong: 1, findings: ['7 of 8 shards'] } }),
      /7 of 8 shards/,
    ],
    ['no call at all', input({}, { calls: { made: 0, wrong: 0, findings: [] } }), /never asked/],
    ['a broken rule', input({ findings: ['shard 3 identified too early'] }), /shard 3 identified too early/],
  ])('does not hold with %s', (_, given, reason) => {
    const { verdict, reasons } = judge(given);
    expect(verdict.ok).toBe(false);
    expect(reasons.join('; ')).toMatch(reason);
  });

  test.each([
    [{ shards: 64, maxConcurrency: 1, identifyWindow: 5_000 }, [0, 320_000], 315_000, 1.016],
    [{ shards: 64, maxConcurrency: 16, identifyWindow: 5_000 }, [0, 15_000], 15_000, 1],
    [{ shards: 65, maxConcurrency: 16, identifyWindow: 500 }, [0, 2_500], 2_000, 1.25],
    [{ shards: 4, maxConcurrency: 16, identifyWindow: 500 }, [0, 12], 0, 1],
  ])('measures the start of %j', (pace, begunAt, leastMs, ratio) => {
    expect(startFigures(pace, { begunAt, inWrongWindow: 0 })).toMatchObject({ leastMs, ratio, tookMs: begunAt[1] });
  });
});

test('what a frozen shard waited for handlers is told beside the rest, move by move', () => {
  const { verdict } = judge(
    input({}, { migrations: { completed: 13, failed: 0, frozenMs: [1_050, 60], handlerWaitMs: [1_001, 2] } }),
  );
  expect(verdict.migrations).toMatchObject({
    handlerWaitMs: { p50: 2, p99: 1_001, max: 1_001 },
    frozenBesideMs: { p50: 49, p99: 58, max: 58 },
  });
});

describe('the verdict on bad versions', () => {
  const fine: BadRolloutCase = {
    fault: 'unwell',
    version: 'v2-is-unwell',
    exitCode: 1,
    said: 'The rollout was reverted: node b says that it is not well.',
    moved: 3,
    revertMs: 500,
    identifies: 0,
    identifiesAllowed: 0,
    movesBack: 3,
    movesBackBeyondBudget: 2,
    upOnOld: 8,
    leftOver: 0,
  };
  const reasonsFor = (each: Partial<BadRolloutCase>): readonly string[] => {
    const cases = [{ ...fine, ...each }];
    const identifiesUsed = 8 + (each.identifies ?? 0);
    const rest = { losses: { shards: 3 }, migrationsExpected: 0, badRollout: { bake: '10s', canary: 3, cases } };
    return judge(input({ identifiesUsed }, rest)).reasons;
  };

  test('holds for a version that was reverted whole, and for what a canary that died cost', () => {
    expect(reasonsFor({})).toEqual([]);
    expect(reasonsFor({ fault: 'dies', identifies: 3, identifiesAllowed: 3, movesBackBeyondBudget: 0 })).toEqual([]);
  });

  test.for<[string, Partial<BadRolloutCase>]>([
    ['the rollout of v2-is-unwell succeeded', { exitCode: 0 }],
    ['the rollout of v2-is-unwell cost 2 IDENTIFYs, and 1 shards', { identifies: 2, identifiesAllowed: 1 }],
    ['4 shards had moved to v2-is-unwell, and the canary is 3', { moved: 4 }],
    ['the revert of v2-is-unwell waited for the budget', { movesBackBeyondBudget: 0 }],
    ['7 of 8 shards are up on the old version after v2-is-unwell', { upOnOld: 7 }],
    ['1 processes of v2-is-unwell are left over', { leftOver: 1 }],
  ])('does not hold where %s', ([reason, each]) => {
    expect(reasonsFor(each)).toEqual([expect.stringContaining(reason)]);
  });
});
