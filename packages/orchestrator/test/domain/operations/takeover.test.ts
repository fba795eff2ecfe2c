import { describe, expect, test } from 'vitest';
import type { OperatorCommand } from '../../../src/domain/state/commands.js';
import { cutOffFrom, fleetOn, powerOff, shardsOn } from '../fleet/hosts.js';
import type { World } from '../world.js';

const THREE = { h1: ['a', 'b'], h2: ['c', 'd'], h3: ['e', 'f'] };
const ALL = [...Array(12).keys()];

function takeover(
  plan: { nodes?: readonly string[]; host?: string; force?: boolean },
  answer: 'begun' | 'ended' = 'ended',
): OperatorCommand {
  return { kind: 'startOperation', plan: { kind: 'takeover', nodes: [], host: null, force: false, ...plan }, answer };
}

function planned(world: World, plan: { nodes?: readonly string[]; host?: string; force?: boolean }) {
  return world.ask({ kind: 'planOperation', plan: { kind: 'takeover', nodes: [], host: null, force: false, ...plan } });
}

describe('takeover of a host', () => {
  test('its shards are resumed elsewhere at once, and it says so when they run', () => {
    const world = fleetOn(THREE);
    const identified = [...world.nodes.values()].flatMap(({ identifies }) => identifies).length;
    powerOff(world, 'e', 'f');
    world.pass(11_000);
    const before = world.now;
    expect(world.ask(takeover({ host: 'h3' }))).toMatchObject({
      ok: true,
      message: 'Of host h3, 4 of 4 shards run elsewhere.',
      data: { host: 'h3', moved: 4, failed: 0 },
    });
    expect(world.now).toBe(before);
    expect(shardsOn(world, 'a', 'b', 'c', 'd')).toEqual(ALL);
    expect(world.recorded('nodeGone').map(({ by, fields }) => [by, fields['node']])).toEqual([
      ['alice', 'e'],
      ['alice', 'f'],
    ]);
    expect([...world.nodes.values()].flatMap(({ identifies }) => identifies)).toHaveLength(identified);
  });

  test('asked again there is nothing left to do, also when its nodes are forgotten and after a restart', () => {
    const world = fleetOn(THREE);
    powerOff(world, 'e', 'f');
    world.pass(11_000);
    world.ask(takeover({ host: 'h3' }));
    const again = { ok: true, message: 'Host h3 counts as dead already.', data: { operation: null } };
    expect(world.ask(takeover({ host: 'h3' }))).toMatchObject(again);
    world.pass(120_000);
    expect(world.state.nodes.has('e')).toBe(false);
    expect(world.ask(takeover({ host: 'h3' }))).toMatchObject(again);
    world.crash();
    expect(world.ask(takeover({ host: 'h3' }))).toMatchObject(again);
  });

  test('refuses a host that nobody has named, with those that are known', () => {
    const world = fleetOn(THREE);
    expect(world.ask(takeover({ host: 'h9' }))).toMatchObject({
      ok: false,
      error: { code: 'DSO_UNKNOWN_HOST', message: 'There is no host "h9". Known hosts: h1, h2, h3.', fault: 'caller' },
    });
  });

  test('refuses what is connected and heard, by name; all of it, also where a part is silent', () => {
    const world = fleetOn(THREE);
    cutOffFrom(world, 'e');
    expect(world.ask(takeover({ host: 'h3' }))).toMatchObject({
      error: {
        code: 'DSO_NODE_CONNECTED',
        message: expect.stringMatching(/^Node f is connected and heard \(host h3\)\..*--force/),
      },
    });
    expect(world.shard(8)).toMatchObject({ kind: 'unreachable', node: 'e' });
  });

  test('with force it believes whoever asks; a node that lives lets go when it is back, and gets its share', () => {
    const world = fleetOn(THREE, { rebalance: 'join' });
    expect(world.ask(takeover({ host: 'h3', force: true }))).toMatchObject({ ok: true });
    expect(world.closed.map(({ code }) => code)).toEqual(['DSO_NODE_DECLARED_DEAD', 'DSO_NODE_DECLARED_DEAD']);
    for (const id of ['e', 'f']) world.connect(world.nodes.get(id)!);
    world.settle();
    expect(shardsOn(world, ...world.nodes.keys())).toEqual(ALL);
    expect(world.state.hosts.size).toBe(0);
    world.pass(60_000);
    for (const id of world.nodes.keys()) expect(world.truth()[id]).toHaveLength(2);
  });

  test('ends the alarm when what is left is no reason for one', () => {
    const world = fleetOn(THREE, { maxNodeDowntimeMs: 30_000 });
    powerOff(world, 'c', 'd', 'e', 'f');
    world.pass(60_000);
    expect(world.state.alarm).not.toBeNull();
    world.ask(takeover({ host: 'h2' }, 'begun'));
    expect(world.state.alarm).toBeNull();
    world.pass(60_000);
    expect(shardsOn(world, 'a', 'b')).toEqual(ALL);
  });

  test('a plan says what it would cost, and does nothing', () => {
    const world = fleetOn(THREE);
    powerOff(world, 'e', 'f');
    world.pass(11_000);
    const { state } = world;
    expect(planned(world, { host: 'h3' })).toMatchObject({
      ok: true,
      data: {
        operation: null,
        dryRun: {
          lines: ['4 shards of nodes e, f (host h3) would be resumed elsewhere at once.'],
          costs: 'The bot’s state of 4 shards of nodes e, f (host h3) is gone, and some of their events come twice.',
          shards: [8, 9, 10, 11],
          launches: 0,
        },
      },
    });
    expect(world.state.nodes).toEqual(state.nodes);
    expect(planned(world, { host: 'h1' })).toMatchObject({ ok: false, error: { code: 'DSO_NODE_CONNECTED' } });
  });

  test('a shard that migrates to or from it is resumed as well', () => {
    const world = fleetOn(THREE);
    world.nodes.get('e')!.mute.add('transferOpen');
    world.command({ kind: 'migrateShard', shard: 0, destination: 'e' });
    world.command({ kind: 'migrateShard', shard: 8, destination: 'a' });
    world.settle();
    powerOff(world, 'e', 'f');
    expect(world.ask(takeover({ host: 'h3', force: true }))).toMatchObject({ ok: true });
    world.pass(1_000);
    expect(shardsOn(world, 'a', 'b', 'c', 'd')).toEqual(ALL);
  });

  test('where nobody can take them it waits and says why, and a restart of the orchestrator waits on', () => {
    const world = fleetOn({ h1: ['a'], h2: ['b'] }, { maxShardsPerNode: 3 });
    powerOff(world, 'b');
    world.pass(11_000);
    const asked = world.command(takeover({ host: 'h2' }));
    world.pass(5_000);
    expect(world.replies.has(asked)).toBe(false);
    expect(world.shard(3)).toMatchObject({ kind: 'vacant' });
    world.crash();
    world.connect(world.nodes.get('a')!);
    world.pass(5_000);
    expect([...world.state.operations.values()]).toMatchObject([{ kind: 'takeover', shards: [2, 3] }]);
    world.join({ id: 'c', host: 'h1' });
    world.pass(5_000);
    expect(world.state.operations.size).toBe(0);
    expect(world.state.endedOperations.at(-1)).toMatchObject({ kind: 'takeover', outcome: 'done' });
  });

  test('cancelled, nobody waits any more, and nothing is taken back', () => {
    const world = fleetOn({ h1: ['a'], h2: ['b'] }, { maxShardsPerNode: 3 });
    powerOff(world, 'b');
    world.pass(11_000);
    const asked = world.command(takeover({ host: 'h2' }));
    world.settle();
    const [id] = world.state.operations.keys();
    expect(world.ask({ kind: 'cancelOperation', operation: id! })).toMatchObject({ ok: true });
    expect(world.replies.get(asked)).toMatchObject({ ok: false, error: { code: 'DSO_OPERATION_CANCELLED' } });
    expect(world.state.nodes.get('b')).toMatchObject({ connection: { gone: true } });
  });
});

test('nodes are taken over by name, several at once; an unknown one harms none', () => {
  const world = fleetOn(THREE);
  powerOff(world, 'b', 'e');
  world.pass(11_000);
  expect(world.ask(takeover({ nodes: ['b', 'z'] }))).toMatchObject({ error: { code: 'DSO_UNKNOWN_NODE' } });
  expect(world.ask(takeover({}))).toMatchObject({ error: { message: 'Name a node, or a host (`--host`).' } });
  expect(world.ask(takeover({ nodes: ['b', 'e'] }))).toMatchObject({
    ok: true,
    message: 'Of nodes b, e, 4 of 4 shards run elsewhere.',
  });
  expect(shardsOn(world, 'a', 'c', 'd', 'f')).toEqual(ALL);
});
