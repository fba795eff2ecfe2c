/**
 * Discord was away for 75 s while a shard moved. Its session was thrown away after 30 s, when nobody had answered, and
 * 187 events with it. No answer is not a refusal: while the node is heard of and says that it is at it, the shard is
 * waited for.
 */
import { describe, expect, test } from 'vitest';
import { scene } from '../migration/live-scenes.js';
import { World } from '../world.js';
import { OLDER_CAPABILITIES } from '../model-node.js';

const AWAY_MS = 75_000;

describe('while Discord is away', () => {
  test('a shard that moves is resumed on its destination when Discord is back', () => {
    const { world, a, b } = scene({ migrationStepTimeoutMs: 20_000 });
    b.discordIsAway = true;
    const request = world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    world.pass(AWAY_MS);
    expect([...world.state.migrations.values()][0]?.step.kind).toBe('activating');
    expect(world.recorded('resumeSlow')).toHaveLength(1);
    b.discordIsBack();
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { resumed: true } });
    expect([world.truth(), a.resumes, a.identifies, b.identifies]).toEqual([{ a: [1, 2, 3], b: [0] }, [], [], []]);
  });

  test('a shard that moves by being closed first is resumed on its destination, too', () => {
    const world = new World().start();
    const a = world.join({ id: 'a', capabilities: OLDER_CAPABILITIES });
    world.pass(25_000);
    const b = world.join({ id: 'b', capabilities: OLDER_CAPABILITIES });
    a.identifies = [];
    b.discordIsAway = true;
    world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    world.pass(AWAY_MS);
    b.discordIsBack();
    world.settle();
    expect([world.truth(), a.identifies, b.identifies]).toEqual([{ a: [1, 2, 3], b: [0] }, [], []]);
  });

  test('shards of a node that died are resumed where they were given to', () => {
    const world = new World({ commandTimeoutMs: 15_000 }).start();
    const a = world.join('a');
    world.pass(25_000);
    const b = world.join('b');
    const c = world.join('c');
    for (const node of [b, c]) node.discordIsAway = true;
    world.kill(a);
    world.pass(AWAY_MS);
    expect(world.recorded('resumeSlow')).toHaveLength(4);
    for (const node of [b, c]) node.discordIsBack();
    world.settle();
    expect([...b.resumes, ...c.resumes].toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3]);
    expect([b.identifies, c.identifies]).toEqual([[], []]);
    expect(world.placement()).toEqual(world.truth());
  });

  test('a node that is heard of, but does not name the shard, does not keep it', () => {
    const { world, a, b } = scene();
    b.discordIsAway = true;
    world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    world.pass(AWAY_MS);
    b.resuming.clear();
    world.pass(21_000);
    expect([world.truth(), a.resumes, a.identifies]).toEqual([{ a: [0, 1, 2, 3] }, [0], []]);
  });

  test('an operator can stop a shard that is being resumed, and its session is kept', () => {
    const { world, b } = scene();
    b.discordIsAway = true;
    world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    world.pass(AWAY_MS);
    expect(world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ ok: true });
    expect(world.shard(0)).toMatchObject({ kind: 'vacant', known: { session: { sessionId: 'session-0' } } });
  });
});
