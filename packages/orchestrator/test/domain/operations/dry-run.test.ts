import { describe, expect, test } from 'vitest';
import type { OperationPlan } from '../../../src/domain/state/operations.js';
import { etaOf } from '../../../src/domain/operations/operations.js';
import type { Progress } from '../../../src/domain/operations/operation.js';
import { drain, World } from '../world.js';

function served(nodes: readonly string[] = ['a', 'b']): World {
  const world = new World({ canLaunch: true });
  for (const node of nodes) world.join(node);
  world.start();
  world.pass(25_000);
  return world;
}

describe('a dry run', () => {
  test('of any kind of operation says what it would move and launch, and begins nothing', () => {
    const world = served();
    const before = world.state;
    const plans: OperationPlan[] = [
      { kind: 'drain', origins: ['a'], destination: 'b', shutdown: true, deadline: null },
      { kind: 'rollout' },
    ];
    for (const plan of plans) {
      const reply = world.ask({ kind: 'planOperation', plan });
      expect(reply).toMatchObject({ ok: true, data: { operation: null, dryRun: { costs: null } } });
      expect([world.state.operations.size, world.state.migrations.size, world.state.launches.size]).toEqual([0, 0, 0]);
      expect(world.state.shards).toEqual(before.shards);
    }
    const [moving] = plans;
    expect(world.ask({ kind: 'planOperation', plan: moving! })).toMatchObject({
      message: 'Moving the shards of node a to node b.',
      data: { dryRun: { shards: [...world.truth()['a']!], launches: 0 } },
    });
    expect(world.recorded('operationStarted')).toEqual([]);
  });

  test('is refused for the reasons for which the operation is refused', () => {
    const world = served();
    const plan = { kind: 'drain', origins: ['a'], destination: 'nobody', shutdown: false, deadline: null } as const;
    const refusal = world.ask({ kind: 'planOperation', plan });
    expect(refusal).toMatchObject({ ok: false, error: { code: 'DSO_UNKNOWN_NODE' } });
    expect(refusal).toEqual(world.ask(drain('a', 'nobody')));
  });

  test('says that there is nothing to do where there is nothing', () => {
    const reply = new World().start().ask({ kind: 'planOperation', plan: { kind: 'rollout' } });
    expect(reply).toMatchObject({
      ok: true,
      data: { dryRun: { lines: ['No connected node has shards, so there is nothing to replace.'], shards: [] } },
    });
  });
});

describe('the time that is left', () => {
  const progress: Progress = {
    text: '',
    waitsFor: null,
    origin: null,
    destination: null,
    shards: { moved: 2, total: 8, moving: [], waiting: [] },
    failed: [],
    nodes: null,
  };

  test.each<[what: string, changes: Partial<Progress>, eta: number | null]>([
    ['follows from the pace so far', {}, 30_000],
    ['is not known before anything is done', { shards: { ...progress.shards, moved: 0 } }, null],
    ['is not known while it waits', { waitsFor: 'a shard is down' }, null],
    [
      'is counted in nodes where no shard moves',
      { shards: { moved: 0, total: 0, moving: [], waiting: [] }, nodes: { done: 1, total: 3 } },
      20_000,
    ],
    ['is what the kind knows better', { etaMs: 60_000 }, 60_000],
    ['is nothing when all is done', { shards: { ...progress.shards, moved: 8 } }, 0],
  ])('%s', (_what, changes, eta) => {
    expect(etaOf({ ...progress, ...changes }, 1_000, 11_000)).toBe(eta);
  });
});
