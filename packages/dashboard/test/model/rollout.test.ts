import { describe, expect, test } from 'vitest';
import { rememberPeaks, rolloutView } from '../../src/model/rollout.js';
import { entryOf, NOW, rolloutOf, snapshotOf } from './snapshots.js';

const NODES = [
  { id: 'old-1', version: 'v1' },
  { id: 'new-1', version: 'v2' },
];

function during(onNew: number, more: Parameters<typeof rolloutOf>[0] = {}) {
  const shards = Array.from({ length: 4 }, (_, shard) => ({ node: shard < onNew ? 'new-1' : 'old-1' }));
  const rollout = rolloutOf(more);
  return { snapshot: snapshotOf(NODES, shards, { rollout }), rollout };
}

describe('the page of a rollout', () => {
  test('old nodes drain and keep their places as holes, new ones fill up to their share', () => {
    const peaks = rememberPeaks(new Map(), during(0).snapshot);
    const { snapshot, rollout } = during(3);
    const view = rolloutView(snapshot, rollout, rememberPeaks(peaks, snapshot));
    expect(view.old).toMatchObject([{ id: 'old-1', shards: [3], total: 4 }]);
    expect(view.fresh).toMatchObject([{ id: 'new-1', shards: [0, 1, 2], total: 4 }]);
    expect([view.moved, view.total]).toEqual([3, 4]);
  });

  test('places of shards that had left before the page was opened are there, too', () => {
    const left = entryOf(1, 'migrationCompleted', { shard: 0, origin: 'old-1', destination: 'new-1', frozenMs: 9 });
    const { snapshot } = during(1);
    expect(rememberPeaks(new Map(), { ...snapshot, history: [left] }).get('old-1')).toBe(4);
  });

  test('what was seen of one rollout is forgotten with it', () => {
    const peaks = rememberPeaks(new Map(), during(0).snapshot);
    expect(peaks.get('old-1')).toBe(4);
    expect(rememberPeaks(peaks, snapshotOf(NODES, [])).size).toBe(0);
  });

  test.each([
    [{ phase: 'surging' }, 'pause', /New nodes start/],
    [{ phase: 'moving' }, 'pause', /canary moves to version v2/],
    [{ phase: 'moving', stage: 1 }, 'pause', /Shards move to version v2/],
    [{ pausedBy: 'ann' }, 'resume', /paused by ann\. Shall it go on\?/],
    [
      { phase: 'baking', gate: { verdict: 'undecided', text: null, until: NOW + 55_000 } },
      'pause',
      /by itself in 55 s/,
    ],
    [
      { phase: 'baking', gate: { verdict: 'passed', text: 'all is well', until: null } },
      'resume',
      /all is well\. Shall it go on/,
    ],
    [
      { phase: 'reverting', failure: { kind: 'gate', reason: 'it dies' } },
      null,
      /Version v2 failed: it dies\. .*go back/,
    ],
    [{ phase: 'ending' }, null, /All shards run on version v2/],
  ] as const)('says the one decision of %o as a sentence', (more, offer, text) => {
    const { snapshot, rollout } = during(1, more);
    const { decision } = rolloutView(snapshot, rollout, new Map());
    expect(decision.offer).toBe(offer);
    expect(decision.text).toMatch(text);
  });

  test('a stage that failed is shown as failed, and those after it as to come', () => {
    const { snapshot, rollout } = during(1, { phase: 'reverting', failure: { kind: 'gate', reason: 'it dies' } });
    expect(rolloutView(snapshot, rollout, new Map()).stages.map(({ state }) => state)).toEqual(['failed', 'next']);
  });
});
