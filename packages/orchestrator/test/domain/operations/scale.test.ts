import { describe, expect, test } from 'vitest';
import type { OperatorCommand } from '../../../src/domain/state/commands.js';
import { operationOf } from '../../../src/http/operation-status.js';
import { World, type WorldOptions } from '../world.js';

function scale(nodes: number): OperatorCommand {
  return { kind: 'startOperation', plan: { kind: 'scale', nodes }, answer: 'ended' };
}

/** As many launched nodes as `nodes` says, with all shards up. */
function launched(nodes: number, options: WorldOptions = {}): World {
  const world = new World({ totalShards: 12, canLaunch: true, nodes, ...options }).start();
  world.pass(60_000);
  return world;
}

function loads(world: World): number[] {
  const connected = [...world.nodes.values()].filter(({ alive, connection }) => alive && connection !== null);
  return connected.map(({ running }) => running.size).toSorted((a, b) => a - b);
}

function identifies(world: World): number {
  return [...world.nodes.values()].reduce((sum, { identifies: theirs }) => sum + theirs.length, 0);
}

describe('dso scale', () => {
  test('launches the missing nodes, and they get their share of the shards', () => {
    const world = launched(2);
    const request = world.command(scale(4));
    world.pass(30_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { nodes: 4, moved: 6 } });
    expect([loads(world), identifies(world)]).toEqual([[3, 3, 3, 3], 12]);
  });

  test('drains those that are too many, shuts them down, and launches no other in their place', () => {
    const world = launched(4);
    world.pass(20_000);
    const request = world.command(scale(2));
    world.pass(60_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { nodes: 2 } });
    expect([loads(world), identifies(world)]).toEqual([[6, 6], 12]);
    world.pass(600_000);
    expect(loads(world)).toEqual([6, 6]);
  });

  test('is remembered over a restart, until the configuration says another number than it did', () => {
    const world = launched(2);
    world.command(scale(3));
    world.pass(30_000);
    world.crash();
    for (const node of world.nodes.values()) if (node.alive) world.connect(node);
    world.pass(60_000);
    expect([world.state.settings.nodes, loads(world).length]).toEqual([3, 3]);
    world.state = { ...world.state, settings: { ...world.state.settings, nodes: 5 } };
    world.crash();
    expect(world.state.settings.nodes).toBe(5);
  });

  test('goes on after a restart in the middle of it', () => {
    const world = launched(3);
    for (const node of world.nodes.values()) node.mute.add('transferOpen');
    world.command(scale(1));
    world.settle();
    world.crash();
    for (const node of world.nodes.values()) {
      node.mute.clear();
      if (node.alive) world.connect(node);
    }
    world.pass(120_000);
    expect(loads(world)).toEqual([12]);
  });

  test('leaves nodes that the launcher did not start alone, and says so', () => {
    const world = new World({ canLaunch: true, nodes: 1 }).start();
    world.join({ id: 'other', elsewhere: true });
    world.pass(30_000);
    expect(world.ask(scale(1))).toMatchObject({ ok: true });
    expect(world.nodes.get('other')?.alive).toBe(true);
    const foreign = new World({ canLaunch: true, nodes: 0, rebalance: 'off' }).start();
    for (const id of ['a', 'b', 'c']) foreign.join({ id, elsewhere: true });
    foreign.pass(30_000);
    expect(foreign.ask(scale(1))).toMatchObject({ error: { code: 'DSO_NO_LAUNCHER' } });
  });

  test('is refused without a launcher, and while something else goes on', () => {
    const alone = new World().start();
    expect(alone.ask(scale(2))).toMatchObject({ error: { code: 'DSO_NO_LAUNCHER' } });
    const world = launched(2);
    world.launches = 'hang';
    world.command(scale(3));
    expect(world.ask(scale(4))).toMatchObject({ error: { code: 'DSO_NODE_BUSY' } });
  });

  test('says how many came up where some do not, and goes on trying', () => {
    const world = launched(2);
    world.launches = 'hang';
    const request = world.command(scale(3));
    world.pass(300_000);
    expect(world.replies.get(request)).toMatchObject({
      error: { code: 'DSO_OPERATION_FAILED', message: expect.stringContaining('2 of 3 nodes came up') },
    });
    world.launches = 'connect';
    world.pass(600_000);
    expect(loads(world).length).toBe(3);
  });

  test('keeps the nodes that are there when it is cancelled', () => {
    const world = launched(3);
    for (const node of world.nodes.values()) node.mute.add('transferOpen');
    const request = world.command(scale(1));
    world.settle();
    const [operation] = world.state.operations.keys();
    expect(operationOf(world.state, operation!, world.now)).toMatchObject({ kind: 'scale', nodes: { total: 1 } });
    world.command({ kind: 'cancelOperation', operation: operation! });
    for (const node of world.nodes.values()) {
      node.mute.clear();
      for (const message of node.received.filter(({ kind }) => kind === 'transferOpen')) node.receive(message);
    }
    world.pass(60_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_OPERATION_CANCELLED' } });
    expect([loads(world).length, world.state.settings.nodes]).toEqual([3, 3]);
  });
});
