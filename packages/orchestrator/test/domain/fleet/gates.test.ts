import type { NodeSignals } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { failureOf, judge, workOf, type Facts, type Reading, type Side } from '../../../src/domain/fleet/gates.js';
import { FRESH_SIGNALS } from '../signals.js';

const well: NodeSignals = { ...FRESH_SIGNALS, eventLoopDelayMs: 1 };

function reading(node: string, now: Partial<NodeSignals> | null, before: Reading['before'] = null): Reading {
  return { node, now: now === null ? null : { ...well, ...now }, before };
}

const nothing: Facts = {
  ended: [],
  refused: [],
  refusesOld: false,
  notMoved: [],
  moved: 1,
  old: [reading('old', {})],
  fresh: [reading('new', {})],
};

describe('a gate that looks all the time', () => {
  test.each<[what: string, facts: Partial<Facts>, failure: RegExp | null]>([
    ['passes a version of which nothing is known', {}, null],
    ['fails a new process that ended', { ended: [{ node: 'new', how: 'ended' }] }, /new node new ended/],
    [
      'fails a shard that Discord refuses there',
      { refused: [{ shard: 3, why: 'Authentication failed. (4004)' }] },
      /refuses shard 3 .*4004/,
    ],
    [
      'passes a refusal that the old version gets as well',
      { refused: [{ shard: 3, why: '' }], refusesOld: true },
      null,
    ],
    ['fails a shard that twice did not move', { notMoved: [{ shard: 5, reason: 'no way' }] }, /shard 5 .*no way/],
    [
      'fails a bot that says that it is not well, with its reason',
      { fresh: [reading('new', { health: { ok: false, reason: 'no database' } })] },
      /new says that it is not well: no database/,
    ],
    [
      'passes a bot that is no less well than the old one',
      {
        old: [reading('old', { health: { ok: false, reason: 'no database' } })],
        fresh: [reading('new', { health: { ok: false, reason: 'no database' } })],
      },
      null,
    ],
    [
      'fails a self test',
      { fresh: [reading('new', { selfTest: 'failed', selfTestReason: 'no schema' })] },
      /self test of node new failed: no schema/,
    ],
    ['fails a canary whose RESUME was refused', { fresh: [reading('new', { resumesRefused: 1 })] }, /refused 1 RESUME/],
    [
      'passes one refused RESUME of a hundred shards: Discord ends a session now and then',
      { moved: 100, fresh: [reading('new', { resumesRefused: 1 })] },
      null,
    ],
    [
      'passes refused RESUMEs that the old nodes have as well',
      { old: [reading('old', { resumesRefused: 1 })], fresh: [reading('new', { resumesRefused: 1 })] },
      null,
    ],
    ['fails state that user code did not take', { fresh: [reading('new', { importsFailed: 1 })] }, /state of 1 shard/],
    ['passes nodes that report no signals', { old: [reading('old', null)], fresh: [reading('new', null)] }, null],
  ])('%s', (_, facts, failure) => {
    const said = failureOf({ ...nothing, ...facts });
    if (failure === null) expect(said).toBeNull();
    else expect(said).toMatch(failure);
  });

  test('counts from the beginning of the stage, and not what was before', () => {
    const before = { ...well, resumesRefused: 4, importsFailed: 2 };
    const fresh = [reading('new', { resumesRefused: 4, importsFailed: 2 }, before)];
    expect(failureOf({ ...nothing, fresh })).toBeNull();
  });
});

describe('a gate at the end of a bake', () => {
  const up: Side = { shards: 3, up: 3, downSince: null, upSince: 0, work: null, growth: null };
  const down: Side = { shards: 1, up: 0, downSince: 1_000, upSince: null, work: null, growth: null };
  const patience = { downMs: 10_000, aloneMs: 600_000 };
  const work = { errorShare: 0.01, handlerMs: 5, delayMs: 10 };

  test.each<[what: string, old: Side, fresh: Side, now: number, verdict: unknown]>([
    ['passes a version whose shards are up', up, up, 0, 'pass'],
    ['waits for a shard that is down for a moment', up, down, 5_000, 'wait'],
    [
      'fails a shard that stays down while the old ones are up',
      up,
      down,
      11_000,
      { fail: expect.stringMatching(/1 of 1/) },
    ],
    ['waits in an outage, however long', { ...up, up: 0, downSince: 0, upSince: null }, down, 9e6, 'wait'],
    ['gives a new shard its time after an outage', { ...up, upSince: 900_000 }, down, 905_000, 'wait'],
    ['is patient where no old shard is left to compare with', { ...up, shards: 0, up: 0 }, down, 60_000, 'wait'],
    ['passes work that is as good', { ...up, work }, { ...up, work: { ...work, errorShare: 0.02 } }, 0, 'pass'],
    [
      'fails handlers that fail where the old ones do not',
      { ...up, work },
      { ...up, work: { ...work, errorShare: 0.3 } },
      0,
      { fail: expect.stringMatching(/fail for 30\.0 % .*old ones: .*1\.0 %/) },
    ],
    [
      'fails handlers that take much longer',
      { ...up, work },
      { ...up, work: { ...work, handlerMs: 900 } },
      0,
      { fail: expect.stringContaining('900 ms an event') },
    ],
    [
      'fails an event loop that comes late',
      { ...up, work },
      { ...up, work: { ...work, delayMs: 900 } },
      0,
      { fail: expect.stringContaining('late by 900 ms') },
    ],
    [
      'fails memory that grows and grows, when that of the old nodes does not',
      { ...up, growth: { node: 'a', bytes: 4e6, share: 0.01 } },
      { ...up, growth: { node: 'b', bytes: 300e6, share: 0.75 } },
      0,
      { fail: expect.stringMatching(/^the memory of node b grew by 300 MB \(75 %\) while it was watched; .* 1 % at/) },
    ],
    [
      'passes memory that grows as that of the old nodes does',
      { ...up, growth: { node: 'a', bytes: 90e6, share: 0.3 } },
      { ...up, growth: { node: 'b', bytes: 300e6, share: 0.75 } },
      0,
      'pass',
    ],
    [
      'passes the memory of a small process that settles',
      up,
      { ...up, growth: { node: 'b', bytes: 60e6, share: 0.9 } },
      0,
      'pass',
    ],
    ['says nothing of work that it cannot compare', up, { ...up, work: { ...work, errorShare: 1 } }, 0, 'pass'],
  ])('%s', (_, old, fresh, now, verdict) => {
    expect(judge(old, fresh, patience, now)).toEqual(verdict);
  });

  test('reads work off counters as shares of the events, and is silent about a handful', () => {
    expect(workOf([reading('a', { events: 80, handlerErrors: 4 }), reading('b', { events: 20 })])).toMatchObject({
      errorShare: 0.04,
    });
    expect(workOf([reading('a', { events: 5, handlerErrors: 5 })])).toBeNull();
  });
});
