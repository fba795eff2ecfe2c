/**
 * Nodes that ask to leave. SIGTERM of a node used to cost an IDENTIFY per shard and all state: the process was ended on
 * the spot, with its shards on it.
 */
import { describe, expect, test } from 'vitest';
import { disruptionOf } from '../../../src/domain/migration/limits.js';
import { drain, World, type WorldOptions } from '../world.js';
import type { ModelNode } from '../model-node.js';

const LEAVE = { kind: 'leave', withinMs: 8_000, intent: 'auto', successor: '' } as const;

/** Three shards on `a`, one IDENTIFY in 5 s. */
function world(others: readonly string[], options: WorldOptions = {}): { world: World; a: ModelNode } {
  const made = new World({ gateway: { shards: 3, maxConcurrency: 1 }, totalShards: 3, ...options }).start();
  const a = made.join('a');
  made.pass(40_000);
  for (const other of others) made.join(other);
  made.settle();
  return { world: made, a };
}

function identifies({ nodes }: World): readonly number[] {
  return [...nodes.values()].flatMap((node) => (node.id === 'a' ? [] : node.identifies));
}

describe('a node that asks to leave', () => {
  test('with 3 shards and max_concurrency 1 gives them away live, without an IDENTIFY', () => {
    const { world: fleet, a } = world(['b', 'c']);
    a.send(LEAVE);
    fleet.settle();
    expect(fleet.recorded('migrationCompleted')).toHaveLength(3);
    expect(fleet.truth()['a']).toBeUndefined();
    expect(identifies(fleet)).toEqual([]);
    expect(fleet.recorded('nodeLeaving')).toHaveLength(1);
  });

  test('gets nothing new: neither a shard that is vacant, nor one that is on its way', () => {
    const { world: fleet, a } = world(['b']);
    fleet.nodes.get('b')?.mute.add('transferOpen');
    a.send(LEAVE);
    fleet.settle();
    expect(fleet.ask({ kind: 'migrateShard', shard: 0, destination: 'a' })).toMatchObject({ ok: false });
    expect(fleet.ask({ kind: 'cordonNode', node: 'a' })).toMatchObject({ error: { code: 'DSO_NODE_SHUTTING_DOWN' } });
    expect(fleet.state.nodes.get('a')?.intent).toMatchObject({ kind: 'leaving' });
  });

  test('is told to shut down in time when its shards cannot be moved; others resume them, and it hears that they can', () => {
    const { world: fleet, a } = world(['b']);
    fleet.nodes.get('b')?.mute.add('transferOpen');
    a.send(LEAVE);
    fleet.pass(4_900);
    expect(fleet.sentTo('a', 'shutdown')).toEqual([]);
    fleet.pass(200);
    expect(fleet.sentTo('a', 'shutdown')).toHaveLength(1);
    expect(fleet.sentTo('a', 'shutdownNoted')).toEqual([{ kind: 'shutdownNoted', cursors: 3 }]);
    expect(fleet.truth()).toEqual({ b: [0, 1, 2] });
    expect(identifies(fleet)).toEqual([]);
  });

  // A bot grew until 8 s were not enough for its caches: restarts lost some of them, and nobody was told what to do.
  test('is told that its deadline is too short when shards are left at its end', () => {
    const { world: fleet, a } = world(['b']);
    fleet.nodes.get('b')?.mute.add('transferOpen');
    a.send(LEAVE);
    fleet.pass(8_000);
    expect(fleet.recorded('nodeShutdown')[0]).toMatchObject({
      level: 'warn',
      text: expect.stringMatching(/3 shards could not be moved or parked in time.*DSO_LEAVE_DEADLINE/),
      fields: { tookMs: 5_000, withinMs: 8_000 },
    });
  });

  test('is told the same when it needed most of its deadline, and nothing when it did not', () => {
    const slow = world(['b'], { migrationsPerNode: 1 });
    const b = slow.world.nodes.get('b')!;
    b.mute.add('transferActivate');
    slow.a.send(LEAVE);
    for (let moved = 0; moved < 3; moved += 1) {
      slow.world.pass(1_700);
      const [last] = slow.world.sentTo('b', 'transferActivate').slice(-1);
      b.receive(last!);
      slow.world.settle();
    }
    const quick = world(['b']);
    quick.a.send(LEAVE);
    quick.world.settle();
    const goodbye = { kind: 'shutdown', final: false, sessions: [] } as const;
    for (const { world: fleet, a } of [slow, quick]) {
      a.send(goodbye);
      fleet.settle();
    }
    const levels = [slow, quick].map(({ world: fleet }) => fleet.recorded('nodeShutdown').map(({ level }) => level));
    expect(levels).toEqual([['warn'], ['info']]);
  });

  test('goes on to leave when the orchestrator was restarted meanwhile', () => {
    const { world: fleet, a } = world(['b']);
    fleet.nodes.get('b')?.mute.add('transferOpen');
    a.send(LEAVE);
    fleet.settle();
    fleet.crash();
    expect(fleet.state.nodes.get('a')?.intent).toMatchObject({ kind: 'leaving', intent: 'auto' });
  });

  test('is another process under the same id when it comes back, and that one is there to stay', () => {
    const { world: fleet, a } = world(['b']);
    a.send(LEAVE);
    fleet.settle();
    fleet.kill(a);
    fleet.settle();
    fleet.join('a');
    fleet.settle();
    expect(fleet.state.nodes.get('a')?.intent).toEqual({ kind: 'serving' });
  });

  test('is told to shut down at once where nobody else is, and its successor resumes every shard', () => {
    const { world: fleet, a } = world([]);
    a.send(LEAVE);
    fleet.settle();
    expect(fleet.sentTo('a', 'shutdown')).toHaveLength(1);
    fleet.join('a2');
    fleet.pass(25_000);
    expect(fleet.truth()).toEqual({ a2: [0, 1, 2] });
    expect(identifies(fleet)).toEqual([]);
  });

  test('has what is left parked when its moves end, before anybody else moves a shard with the budget of those', () => {
    const { world: fleet, a } = world(['b', 'c'], { parkHost: 'here', maxUnavailable: { count: 1 } });
    fleet.ask({ kind: 'migrateShard', shard: 2, destination: 'c' });
    for (const id of ['b', 'c']) fleet.nodes.get(id)!.mute.add('transferOpen');
    a.send(LEAVE);
    fleet.settle();
    fleet.command(drain('c', 'b'));
    fleet.pass(5_100);
    const begun = fleet.recorded('migrationStarted').map(({ fields }) => [fields['shard'], fields['destination']]);
    expect(begun.slice(1)).toEqual([
      [0, 'b'],
      [1, 'b'],
      [0, '/park'],
      [1, '/park'],
    ]);
  });

  // Where the deadline is short, the largest state used to be copied first, and none was parked in time.
  test('has those shards parked first that have the fewest guilds', () => {
    const { world: fleet, a } = world([], { parkHost: 'here', migrationsPerNode: 1 });
    for (const [shard, guilds] of [900, 100, 500].entries()) a.phases.set(shard, { guilds });
    fleet.pass(10_000);
    a.send(LEAVE);
    fleet.settle();
    expect(fleet.recorded('migrationStarted').map(({ fields }) => fields['shard'])).toEqual([1]);
  });

  test('moves its shards although another operation has used up the budget a moment before', () => {
    const { world: fleet, a } = world(['b', 'c', 'd'], { migrationsPerNode: 3, maxUnavailable: { count: 1 } });
    for (const shard of [1, 2]) fleet.ask({ kind: 'migrateShard', shard, destination: 'c' });
    const d = fleet.nodes.get('d')!;
    d.mute.add('transferActivate');
    fleet.command(drain('c', 'd'));
    fleet.settle();
    const [activate] = fleet.sentTo('d', 'transferActivate');
    d.mute.add('transferOpen').delete('transferActivate');
    d.receive(activate!);
    const done = d.outbox.splice(0);
    const events = [
      ...done.map((message) => ({ kind: 'message' as const, connection: d.connection!, message })),
      { kind: 'message' as const, connection: a.connection!, message: LEAVE },
    ];
    fleet.feed({ kind: 'together', events });
    expect(disruptionOf(fleet.state)).toEqual({ moving: 2, down: 0, limit: 1 });
  });
});
