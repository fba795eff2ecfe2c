import { describe, expect, test } from 'vitest';
import { operationRecord, readOperation } from '../../../src/domain/durable/operation-records.js';
import { OPERATIONS } from '../../../src/domain/operations/registry.js';
import type { OperationState } from '../../../src/domain/state/operations.js';
import { Unreadable } from '../../../src/domain/state/shape.js';
import { drain, rollout, World } from '../world.js';

/** All shards on `a`; a rollout moves them to the node that it launched, or a drain to another one. */
function underWay(kind: 'rollout' | 'drain'): World {
  const world = new World({ canLaunch: true });
  world.join('a');
  world.start();
  world.pass(25_000);
  world.nodes.get('a')!.mute.add('transferOpen');
  if (kind === 'drain') world.join('b');
  world.command(kind === 'drain' ? drain('a', 'b', { shutdown: true }) : rollout);
  world.settle();
  return world;
}

function operations(world: World): readonly OperationState[] {
  return [...world.state.operations.values()];
}

describe('an operation', () => {
  test('is answered with its id when it has begun, if that is asked for', () => {
    const world = new World().start();
    world.join('a');
    world.pass(25_000);
    world.join('b');
    world.nodes.get('b')!.mute.add('transferOpen');
    const plan = { kind: 'drain', origins: ['a'], destination: 'b', shutdown: false, deadline: null } as const;
    const reply = world.ask({ kind: 'startOperation', plan, answer: 'begun' });
    const [begun] = operations(world);
    expect(reply).toEqual({
      ok: true,
      message: 'Moving the shards of node a to node b.',
      data: { operation: begun!.id },
    });
  });

  test('has no id when it has nothing to do', () => {
    const reply = new World().start().ask({ kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'begun' });
    expect(reply).toMatchObject({ ok: true, data: { operation: null } });
  });

  test('is refused at once, also when its end was to be waited for', () => {
    const world = underWay('rollout');
    expect(world.ask(drain('a', 'launched-1'))).toMatchObject({ error: { code: 'DSO_NODE_BUSY' } });
  });

  test('is told of by its kind when it begins and when it ends', () => {
    const world = new World({ canLaunch: true });
    world.join('a');
    world.start();
    world.pass(25_000);
    world.ask(rollout);
    const facts = (name: 'operationStarted' | 'operationEnded') =>
      world.recorded(name).map(({ fields }) => [fields['kind'], fields['operation'], fields['parent']]);
    const started = facts('operationStarted');
    expect(started).toEqual([['rollout', expect.stringMatching(/^r\d+$/), null]]);
    expect(facts('operationEnded')).toEqual(started);
  });
});

describe('the record of an operation', () => {
  test.each(['rollout', 'drain'] as const)('of a %s has all that the next run needs, and nobody to answer', (kind) => {
    const world = underWay(kind);
    expect(operations(world).map((each) => each.kind)).toEqual([kind]);
    for (const operation of operations(world)) {
      const record = JSON.parse(JSON.stringify(operationRecord(operation)));
      expect(readOperation(operation.id, record)).toEqual({ ...operation, request: null, deadline: null });
    }
  });

  test.each([
    ['no object', 'rollout'],
    ['another kind', { kind: 'dance' }],
    ['a list where a node is', { origins: [['a']] }],
    ['a drain without an origin', { origins: [] }],
    ['two destinations of one drain', { destinations: ['a', 'b'] }],
    ['a node that cannot be', { origins: ['a/b'] }],
    ['a shard that cannot be', { moved: [-1] }],
    ['a phase of another time', { phase: 'dancing' }],
    ['a field too few', { shutdown: undefined }],
  ])('is left out, and named in a warning, when it has %s', (_, broken) => {
    const world = underWay('drain');
    const found = operations(world).find(({ kind }) => kind === 'drain')!;
    const record = operationRecord(found);
    const value = typeof broken === 'string' ? broken : { ...(record as object), ...broken };
    expect(() => readOperation(found.id, JSON.parse(JSON.stringify(value)))).toThrow(Unreadable);
  });
});

test('every kind of operation has ids of its own', () => {
  const prefixes = Object.values(OPERATIONS).map(({ idPrefix }) => idPrefix);
  expect(new Set(prefixes).size).toBe(prefixes.length);
});
