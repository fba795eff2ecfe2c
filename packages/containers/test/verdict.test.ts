import { describe, expect, test } from 'vitest';
import { judge, type TourInput } from '../src/verdict.js';

const none = { p50: 0, p99: 0, max: 0 };
const well: TourInput = {
  shards: 4,
  ledger: {
    emitted: 10,
    handled: 10,
    lost: 0,
    duplicated: 0,
    redelivered: 0,
    outOfOrder: 0,
    identifiesUsed: 8,
    findings: [],
    doubleAttaches: [],
    gapsMs: [],
  },
  referenceIdentifies: 4,
  caches: { compared: 100, different: 0, examples: [] },
  endings: [{ node: 'bot', code: 0, signal: null, tookMs: 4_000 }],
  graceMs: 30_000,
  gapMs: none,
  orchestratorReplaced: { before: '0 on node-1', after: '0 on node-1' },
  findings: [],
};

describe('the verdict on a tour in containers', () => {
  test('holds where nothing was lost, repeated, begun anew or noticed', () => {
    expect(judge(well)).toMatchObject({ ok: true, reasons: [], identifies: { used: 4, needed: 4 } });
  });

  test.each<[string, Partial<TourInput>, RegExp]>([
    ['an event was lost', { ledger: { ...well.ledger, lost: 1 } }, /1 events were lost/],
    ['an event was handled twice', { ledger: { ...well.ledger, duplicated: 1 } }, /handled twice/],
    ['an event came again, marked', { ledger: { ...well.ledger, redelivered: 1 } }, /came again, marked/],
    ['one IDENTIFY too many was used', { ledger: { ...well.ledger, identifiesUsed: 9 } }, /5 IDENTIFYs/],
    ['a cache is different', { caches: { compared: 9, different: 1, examples: ['guild 7'] } }, /1 of 9 fields/],
    ['no cache was compared', { caches: { compared: 0, different: 0, examples: [] } }, /no cache/],
    ['a bot was killed', { endings: [{ node: 'bot', code: 137, signal: null, tookMs: 1 }] }, /exit code 137/],
    ['a bot took all its time', { endings: [{ node: 'bot', code: 0, signal: null, tookMs: 30_000 }] }, /30000 ms/],
    ['no bot was ended', { endings: [] }, /no container/],
    ['shards noticed the orchestrator', { orchestratorReplaced: { before: 'a', after: 'b' } }, /noticed/],
    ['a container is not as it should be', { findings: ['it runs as root'] }, /root/],
  ])('does not hold where %s', (_name, change, reason) => {
    const { ok, reasons } = judge({ ...well, ...change });
    expect(ok).toBe(false);
    expect(reasons.join()).toMatch(reason);
  });
});
