import { describe, expect, test } from 'vitest';
import { World } from '../world.js';

describe('starting a node', () => {
  test('is answered when it is connected, with its id', () => {
    const world = new World({ canLaunch: true }).start();
    world.pass(1);
    expect(world.ask({ kind: 'startNode' })).toMatchObject({ ok: true, data: { node: 'launched-2' } });
  });

  test('is refused without a launcher', () => {
    expect(new World().start().ask({ kind: 'startNode' })).toMatchObject({
      error: { code: 'DSO_NO_LAUNCHER', fault: 'caller' },
    });
  });

  test.each([
    ['fail', 'no such command'],
    ['die', 'exited with code 1'],
    ['hang', 'did not connect within 60000 ms'],
  ] as const)('is answered with the reason when the node does not come up (%s)', (launches, reason) => {
    const world = new World({ canLaunch: true, launches, ensureAllShardsRunning: false }).start();
    const request = world.command({ kind: 'startNode' });
    world.pass(60_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_NODE_LAUNCH_FAILED', fault: 'fleet' } });
    expect(JSON.stringify(world.replies.get(request))).toContain(reason);
  });
});

describe('a launch that takes too long', () => {
  const slow = { canLaunch: true, nodes: 1, launches: 'hang', launchTimeoutMs: 60_000, launchRetryMs: 30_000 } as const;

  // Each was left running when the next was started: a bot that hangs at its start filled the host.
  test('has its process ended before another is started', () => {
    const world = new World(slow).start();
    for (let launches = 1; launches <= 5; launches += 1) {
      expect(world.recorded('nodeLaunching')).toHaveLength(launches);
      expect(world.state.processes.size).toBe(1);
      world.pass(60_000);
      expect(world.endedProcesses).toEqual(Array.from({ length: launches }, (_, index) => `launched-${index + 1}`));
      expect(world.state.processes.size).toBe(0);
      world.pass(Math.min(300_000, 30_000 * 2 ** (launches - 1)));
    }
    expect(world.recorded('launchFailed')[0]?.text).toContain(
      'did not connect within 60000 ms, so its process is ended: does the bot use @dshard/node?',
    );
  });

  test('leaves no process behind either when its launcher answers only then', () => {
    const world = new World({ ...slow, launches: 'fail' }).start();
    world.feed({ kind: 'nodeLaunched', launch: 'forgotten', node: 'late', pid: 9 });
    expect(world.endedProcesses).toEqual(['late']);
    world.join('up');
    world.feed({ kind: 'nodeLaunched', launch: 'forgotten', node: 'up', pid: 10 });
    expect(world.endedProcesses).toEqual(['late']);
  });

  test('goes on serving when the bot has an id of its own, and the way out is told', () => {
    const world = new World(slow).start();
    world.join('my-bot', { pid: world.state.launches.values().next().value?.pid ?? null, host: 'here' });
    world.pass(60_000);
    expect(world.endedProcesses).toEqual([]);
    expect(world.recorded('launchFailed')[0]?.text).toMatch(/connected as my-bot: let the bot take the id/u);
    expect(world.placement()).toEqual({ 'my-bot': [0, 1, 2, 3] });
  });
});

describe('the nodes that must be up', () => {
  test('are launched at once, and each takes its fair share, though the first is there earlier', () => {
    const world = new World({ canLaunch: true, nodes: 2 }).start();
    expect(world.truth()).toEqual({ 'launched-1': [0, 1], 'launched-2': [2, 3] });
  });

  test('are replaced at once when one dies', () => {
    const world = new World({ canLaunch: true, nodes: 2 }).start();
    world.pass(60_000);
    world.kill(world.nodes.get('launched-1')!);
    world.pass(25_000);
    expect(world.nodes.get('launched-3')?.connection).not.toBeNull();
    // Its shards did not wait for it: they were resumed where there was a node already.
    expect(world.truth()).toEqual({ 'launched-2': [0, 1, 2, 3] });
    expect(world.nodes.get('launched-2')?.resumes).toEqual([0, 1]);
  });

  test('are waited for by shards that have to identify, but not by those with a session to resume', () => {
    const world = new World({ canLaunch: true, nodes: 2 }).start();
    world.pass(60_000);
    world.launches = 'hang';
    world.ask({ kind: 'shutdownNode', node: 'launched-1', now: true });
    expect(world.truth()).toEqual({ 'launched-2': [0, 1, 2, 3] });
    expect(world.nodes.get('launched-2')?.resumes).toEqual([0, 1]);

    const crashed = new World({ canLaunch: true, nodes: 2 }).start();
    crashed.pass(60_000);
    crashed.launches = 'hang';
    const doomed = crashed.nodes.get('launched-1')!;
    // It dies before its shards have a session: there is nothing to resume from.
    doomed.send({
      kind: 'heartbeat',
      sequence: 99,
      shards: [...doomed.running].map((shardId) => ({
        shardId,
        phase: 'identifying',
        pingMs: -1,
        guilds: -1,
        events: 0,
        session: null,
      })),
      process: { memoryBytes: 1, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: 1 },
    });
    crashed.settle();
    crashed.kill(doomed);
    crashed.settle();
    expect(crashed.truth()).toEqual({ 'launched-2': [2, 3] });
    crashed.pass(90_000);
    expect(crashed.truth()).toEqual({ 'launched-2': [0, 1, 2, 3] });
  });

  test('are not replaced while one that is only silent may come back', () => {
    const world = new World({ canLaunch: true, nodes: 2 }).start();
    world.disconnect(world.nodes.get('launched-1')!);
    world.pass(29_000);
    expect(world.recorded('nodeLaunching')).toHaveLength(2);
    world.pass(1_000);
    expect(world.recorded('nodeLaunching')).toHaveLength(3);
  });

  test.each(['fail', 'die'] as const)(
    'are tried one at a time, with a pause that doubles, when they do not come up (%s)',
    (launches) => {
      const world = new World({ canLaunch: true, nodes: 3, launches }).start();
      expect(world.recorded('nodeLaunching')).toHaveLength(3);
      world.pass(29_999);
      expect(world.recorded('nodeLaunching')).toHaveLength(3);
      world.pass(1);
      const after = world.recorded('nodeLaunching').length;
      world.pass(59_999);
      expect(world.recorded('nodeLaunching')).toHaveLength(after);
      world.pass(1);
      expect(world.recorded('nodeLaunching')).toHaveLength(after + 1);
      expect(world.recorded('launchFailed')).toHaveLength(after + 1);
    },
  );

  test('are held back when they die soon after they connected, like those that never came', () => {
    const world = new World({ canLaunch: true, nodes: 1 }).start();
    for (let i = 1; i <= 3; i += 1) {
      world.kill(world.nodes.get(`launched-${i}`)!);
      world.pass(30_000 * 2 ** (i - 1) - 1);
      expect(world.recorded('nodeLaunching')).toHaveLength(i);
      world.pass(1);
      expect(world.recorded('nodeLaunching')).toHaveLength(i + 1);
    }
  });

  test('leave nothing down when they do not come: whoever is there takes it all', () => {
    const world = new World({ canLaunch: true, nodes: 2, launches: 'hang' }).start();
    world.join('a');
    world.settle();
    expect(world.placement()).toEqual({ a: [0, 1] });
    world.pass(60_000);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });
});

describe('without a number of nodes', () => {
  test('one node is launched at a time, as long as shards have no room', () => {
    const world = new World({ canLaunch: true, maxShardsPerNode: 2 }).start();
    world.pass(25_000);
    expect(world.truth()).toEqual({ 'launched-1': [0, 1], 'launched-2': [2, 3] });
    expect(world.recorded('nodeLaunching')).toHaveLength(2);
  });

  test('no node is launched when nothing is to run by itself', () => {
    const world = new World({ canLaunch: true, nodes: 2, ensureAllShardsRunning: false }).start();
    world.pass(60_000);
    expect(world.recorded('nodeLaunching')).toEqual([]);
  });
});
