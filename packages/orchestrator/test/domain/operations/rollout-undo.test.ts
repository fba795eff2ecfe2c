/**
 * A version that shows its fault an hour after the rollout: `dso rollout undo` said that there is no rollout, and that
 * the version before is to be deployed by hand. Where the launcher can be told the version, undo rolls out the version
 * before, and what dies later is launched as that version, not as the deployed one.
 */
import { describe, expect, test } from 'vitest';
import type { OperatorCommand } from '../../../src/domain/state/commands.js';
import type { RolloutOptions } from '../../../src/domain/state/operations.js';
import { World, type WorldOptions } from '../world.js';

const undo: OperatorCommand = { kind: 'steerRollout', action: 'undo' };

function rollout(options: Partial<RolloutOptions> = {}): OperatorCommand {
  return { kind: 'startOperation', plan: { kind: 'rollout', bake: 10_000, surge: null, ...options }, answer: 'ended' };
}

/** Four shards on two launched nodes of v1; v2 is deployed. */
function fleet(options: WorldOptions = {}): World {
  const world = new World({ canLaunch: true, launchesVersions: true, nodes: 2, launchRetryMs: 1_000, ...options });
  world.version('v1');
  world.start();
  world.pass(60_000);
  world.version('v2');
  return world;
}

function versions(world: World): string[] {
  const living = [...world.nodes.values()].filter(({ alive }) => alive);
  return living.map(({ id }) => world.state.nodes.get(id)?.version ?? '');
}

function rolledOut(options: WorldOptions = {}): World {
  const world = fleet(options);
  const request = world.command(rollout());
  world.pass(120_000);
  expect(world.replies.get(request)).toMatchObject({ ok: true });
  expect(versions(world)).toEqual(['v2', 'v2']);
  return world;
}

describe('undo, when the rollout is over', () => {
  test('rolls out the version before, and says as which operation', () => {
    const world = rolledOut();
    for (const node of world.nodes.values()) node.identifies = [];
    expect(world.ask(undo)).toMatchObject({
      ok: true,
      message: expect.stringMatching(/^Rollout r\d+ has ended.*by version v1.*dso operations watch r/),
    });
    world.pass(120_000);
    expect(versions(world)).toEqual(['v1', 'v1']);
    expect(Object.values(world.truth()).flat()).toHaveLength(4);
    expect([...world.nodes.values()].flatMap(({ identifies }) => identifies)).toEqual([]);
  });

  test('is remembered: what dies later is launched as the version before, also after a restart', () => {
    const world = rolledOut();
    world.ask(undo);
    world.pass(120_000);
    world.crash();
    world.version('v2');
    for (const node of world.nodes.values()) if (node.alive) world.connect(node, { version: 'v1' });
    world.pass(30_000);
    world.kill([...world.nodes.values()].find(({ alive }) => alive)!);
    world.pass(60_000);
    expect(versions(world)).toEqual(['v1', 'v1']);
  });

  test('holds until the next rollout, which is to the deployed version again', () => {
    const world = rolledOut();
    world.ask(undo);
    world.pass(120_000);
    world.version('v3');
    world.command(rollout());
    world.pass(120_000);
    expect(versions(world)).toEqual(['v3', 'v3']);
    expect(world.state.rollouts.launched).toBeNull();
  });

  test('of an undo goes forward again', () => {
    const world = rolledOut();
    world.ask(undo);
    world.pass(120_000);
    world.ask(undo);
    world.pass(120_000);
    expect(versions(world)).toEqual(['v2', 'v2']);
  });

  test.each([['the node command has no {version}', { launchesVersions: false }, /no \{version\}.*launcher\.command/]])(
    'says why not, and what to do: %s',
    (_, options, text) => {
      const world = rolledOut(options);
      expect(world.ask(undo)).toMatchObject({
        error: { code: 'DSO_VERSION_NOT_LAUNCHABLE', message: expect.stringMatching(text) },
      });
      expect(world.state.operations.size).toBe(0);
    },
  );

  test('is refused when no rollout was ever seen', () => {
    expect(fleet().ask(undo)).toMatchObject({ error: { code: 'DSO_NO_ROLLOUT' } });
  });
});

describe('a rollout of a version by its name', () => {
  test('launches that version, whatever is deployed', () => {
    const world = fleet();
    world.command(rollout({ to: 'v1.5' }));
    world.pass(120_000);
    expect(versions(world)).toEqual(['v1.5', 'v1.5']);
    expect(world.state.rollouts.launched).toBe('v1.5');
  });

  test('is refused where the launcher cannot be told', () => {
    expect(fleet({ launchesVersions: false }).ask(rollout({ to: 'v1.5' }))).toMatchObject({
      error: { code: 'DSO_VERSION_NOT_LAUNCHABLE' },
    });
  });
});

describe('keepOld', () => {
  test('keeps the old nodes warm after the last bake: undo goes back to them without a launch', () => {
    const world = fleet();
    const request = world.command(rollout({ keepOld: 600_000 }));
    world.pass(300_000);
    expect(world.replies.get(request)).toBeUndefined();
    expect(Object.keys(world.truth())).toEqual(['launched-3', 'launched-4']);
    world.ask(undo);
    world.pass(30_000);
    expect(Object.keys(world.truth())).toEqual(['launched-1', 'launched-2']);
    expect(world.recorded('nodeLaunching')).toHaveLength(4);
  });

  test('ends them when the time is over', () => {
    const world = fleet();
    const request = world.command(rollout({ keepOld: 600_000 }));
    world.pass(700_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(versions(world)).toEqual(['v2', 'v2']);
  });
});

describe('memory', () => {
  test('a rollout whose new processes do not fit beside the old ones is refused, with the number that does', () => {
    const world = fleet();
    for (const node of world.nodes.values()) node.memoryBytes = 400e6;
    world.pass(10_000);
    world.availableBytes = 500e6;
    expect(world.ask(rollout())).toMatchObject({
      error: { code: 'DSO_NOT_ENOUGH_MEMORY', message: expect.stringContaining('800 MB more') },
    });
    expect(world.ask(rollout())).toMatchObject({ error: { message: expect.stringContaining('--surge 1') } });
    const request = world.command(rollout({ surge: 1 }));
    world.pass(200_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
  });

  test('is no reason where somebody insists, or nobody knows how much there is', () => {
    for (const [availableBytes, force] of [
      [1, true],
      [null, false],
    ] as const) {
      const world = fleet();
      for (const node of world.nodes.values()) node.memoryBytes = 400e6;
      world.pass(10_000);
      world.availableBytes = availableBytes;
      const request = world.command(rollout({ force }));
      world.pass(200_000);
      expect(world.replies.get(request)).toMatchObject({ ok: true });
    }
  });
});

test('an empty old node that gets shards before the new ones are trusted is replaced, too', () => {
  const world = fleet({ maxNodeDowntimeMs: 4_000 });
  world.join('spare', { version: 'v1' });
  world.pass(10_000);
  expect(world.truth()['spare']).toBeUndefined();
  const request = world.command(rollout({ bake: 60_000 }));
  world.pass(5_000);
  world.ask({ kind: 'stopShard', shard: 2 });
  world.pass(8_000);
  expect(world.truth()['spare']).toEqual([2]);
  world.pass(600_000);
  expect(world.replies.get(request)).toMatchObject({ ok: true });
  expect(new Set(versions(world))).toEqual(new Set(['v2']));
  expect(Object.values(world.truth()).flat()).toHaveLength(4);
});

test('a rollout that a bot asks for takes the place of a rebalance that nobody asked for', () => {
  const world = new World({ canLaunch: true, nodes: 1, nodesMayRollout: true, rebalance: 'join', totalShards: 8 });
  world.start();
  world.pass(60_000);
  const [first] = world.nodes.values();
  first!.mute.add('transferOpen');
  world.join('second', { version: 'v1' });
  world.pass(6_000);
  expect([...world.state.operations.values()]).toMatchObject([{ kind: 'rebalance', automatic: true }]);
  first!.send({ kind: 'rolloutRequest', requestId: '1' });
  world.settle();
  expect(world.sentTo(first!.id, 'rolloutAnswer')).toMatchObject([{ code: '' }]);
  expect([...world.state.operations.values()].map(({ kind }) => kind)).toEqual(['rollout']);
});
