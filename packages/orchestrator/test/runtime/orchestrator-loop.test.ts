/** The runtime around a domain that does what the test says: what happens when something goes wrong inside. */
import { memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import { openMessageConnection } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import { initialState } from '../../src/domain/state/initial-state.js';
import type { Decide } from '../../src/domain/decide.js';
import type { Effect, HistoryEntry } from '../../src/domain/state/effects.js';
import type { DomainEvent } from '../../src/domain/state/events.js';
import type { Launcher, NodeProcess } from '../../src/ports/surroundings.js';
import type { OrchestratorOptions } from '../../src/runtime/contract.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { recordingLogger } from '../recording-logger.js';
import { identify } from './peer.js';
import { alone } from './alone.js';
import { settings } from './settings.js';

const entry: HistoryEntry = { name: 'nodeJoined', level: 'info', text: 'It goes on.', by: 'automatic', fields: {} };

/** `react` says what a domain would want done; it may throw. */
function orchestrator(react: (event: DomainEvent) => readonly Effect[], more: Partial<OrchestratorOptions> = {}) {
  const clock = virtualClock();
  const network = memoryNetwork({ clock });
  const logger = recordingLogger();
  const events: DomainEvent[] = [];
  const decide: Decide = (state, event) => {
    events.push(event);
    return { state, effects: react(event) };
  };
  const handle = createOrchestrator(
    {
      ...alone(),
      listen: '127.0.0.1:7447',
      clock,
      random: seededRandom(1),
      transport: network,
      logger,
      ...more,
    },
    { decide, initialState },
  );
  const kinds = (): string[] => events.map(({ kind }) => kind);
  return { clock, network, logger, events, kinds, handle };
}

function fakeLauncher(more: Partial<Launcher> = {}): Launcher & { calls: string[]; exit(node: string): void } {
  const calls: string[] = [];
  let onExit: (exit: { node: string; description: string }) => void = () => undefined;
  const processes: NodeProcess[] = [{ node: 'adopted', pid: 10, startedAt: 0 }];
  return {
    calls,
    exit: (node) => onExit({ node, description: 'exited' }),
    start: async (handlers) => {
      calls.push('start');
      onExit = (exit) => handlers.onExit(exit);
    },
    running: () => processes,
    launch: async () => {
      const launched = { node: 'launched', pid: 11, startedAt: 0 };
      processes.push(launched);
      return launched;
    },
    stop: async (node, graceMs) => void calls.push(`stop ${node} ${graceMs}`),
    close: async () => void calls.push('close'),
    ...more,
  };
}

describe('what goes wrong inside ends there', () => {
  test('a decision that fails has its command answered, and the domain is woken again', async () => {
    let broken = true;
    const { handle, clock, kinds, logger } = orchestrator((event) => {
      if (event.kind === 'command' && broken) throw new Error('a bug');
      return event.kind === 'command'
        ? [{ kind: 'reply', request: event.request, result: { ok: true, message: 'done' } }]
        : [];
    });
    await handle.start();
    await expect(
      handle.command({ kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' }),
    ).resolves.toMatchObject({
      ok: false,
      error: { code: 'DSO_INTERNAL', fault: 'fleet', message: 'Deciding on command failed: a bug' },
    });
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await clock.run(1_000);
    expect(kinds()).toEqual(['started', 'command', 'tick']);
    broken = false;
    await expect(
      handle.command({ kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' }),
    ).resolves.toEqual({ ok: true, message: 'done' });
  });

  test('an effect that fails does not stop the others', async () => {
    const { handle, clock, logger, network } = orchestrator(
      (event) => {
        if (event.kind !== 'identify') return [];
        // The codec refuses a body above the bound.
        const tooLarge = { kind: 'userEvent', eventId: 100, body: new Uint8Array(2_000) } as const;
        return [
          { kind: 'send', connection: event.connection, message: tooLarge },
          { kind: 'record', entry },
        ];
      },
      { connection: { maxFrameBytes: 1_000 } },
    );
    await handle.start();
    const connecting = network.connect(handle.address, { timeoutMs: 1_000 });
    await clock.run(0);
    openMessageConnection(await connecting).send(identify('a'));
    await clock.run(0);
    expect(logger.lines.find(({ level }) => level === 'error')?.message).toContain('The effect send failed');
    expect(handle.history()).toHaveLength(1);
  });
});

describe('time', () => {
  test('the domain is woken at the time that it asked for', async () => {
    const { handle, clock, kinds } = orchestrator((event) =>
      event.kind === 'started' ? [{ kind: 'wakeAt', at: clock.now() + 500 }] : [],
    );
    await handle.start();
    await clock.run(499);
    expect(kinds()).toEqual(['started']);
    await clock.run(1);
    expect(kinds()).toEqual(['started', 'tick']);
    // The look for alarms, and nothing of the domain's.
    expect(clock.pending()).toBe(1);
  });
});

describe('launches and gateway info', () => {
  const wants =
    (...effects: Effect[]) =>
    (event: DomainEvent): Effect[] =>
      event.kind === 'started' ? effects : [];

  test('a launch is reported with its node; an exit too; the adopted are expected', async () => {
    const launcher = fakeLauncher();
    const { handle, clock, events } = orchestrator(wants({ kind: 'launchNode', launch: 'l1' }), { launcher });
    await handle.start();
    await clock.run(0);
    launcher.exit('launched');
    await clock.run(100);
    expect(handle.state.settings).toMatchObject({ canLaunch: true, expectedNodes: ['adopted'] });
    expect(events.slice(1)).toEqual([
      { kind: 'processAdopted', node: 'adopted', pid: 10 },
      { kind: 'versionDeployed', version: '' },
      { kind: 'nodeLaunched', launch: 'l1', node: 'launched', pid: 11 },
      { kind: 'processExited', node: 'launched', description: 'exited' },
    ]);
  });

  test('a process that is to be ended is stopped with the grace', async () => {
    const launcher = fakeLauncher();
    const { handle, clock } = orchestrator(wants({ kind: 'endProcess', node: 'adopted', graceMs: 0 }), { launcher });
    await handle.start();
    await clock.run(0);
    expect(launcher.calls).toContain('stop adopted 1000');
  });

  test('beyond loopback the launcher does not speak for nodes of other hosts', async () => {
    const { handle } = orchestrator(() => [], { launcher: fakeLauncher(), listen: '0.0.0.0:7447', token: 'secret' });
    await handle.start();
    expect(handle.state.settings).toMatchObject({ expectedNodes: null, tokenRequired: true });
  });

  test('a launch that fails says why, and one without a launcher too', async () => {
    const launcher = fakeLauncher({ launch: () => Promise.reject(new Error('There is no program bot.')) });
    for (const [options, reason] of [
      [{ launcher }, 'There is no program bot'],
      [{}, 'there is no launcher'],
    ] as const) {
      const { handle, clock, events } = orchestrator(wants({ kind: 'launchNode', launch: 'l1' }), options);
      await handle.start();
      await clock.run(0);
      expect(events.at(-1)).toEqual({ kind: 'launchFailed', launch: 'l1', reason });
    }
  });

  test('gateway info is asked for once at a time, and a failure is reported with its reason', async () => {
    const answers: (() => void)[] = [];
    const info = {
      url: 'wss://x/',
      recommendedShards: 4,
      maxConcurrency: 2,
      identifiesTotal: 1000,
      identifiesRemaining: 7,
      resetAfterMs: 9,
    };
    const gatewayInfo = { fetch: () => new Promise<typeof info>((resolve) => answers.push(() => resolve(info))) };
    const asking = wants({ kind: 'fetchGatewayInfo' }, { kind: 'fetchGatewayInfo' });
    const { handle, clock, events } = orchestrator(asking, { gatewayInfo });
    await handle.start();
    expect(answers).toHaveLength(1);
    answers[0]?.();
    await clock.run(0);
    expect(events.slice(1)).toEqual([
      {
        kind: 'gatewayInfo',
        recommendedShards: 4,
        maxConcurrency: 2,
        identifiesTotal: 1000,
        identifiesRemaining: 7,
        resetAfterMs: 9,
      },
    ]);

    const without = orchestrator(asking);
    await without.handle.start();
    await without.clock.run(0);
    expect(without.events.at(-1)).toMatchObject({ kind: 'gatewayInfoFailed' });
  });
});

describe('start', () => {
  test.each(['0.0.0.0:7447', '[::]:7447', '192.0.2.1:7447', 'example.org:7447'])(
    'listening on %s without a token is refused, in words that say how to allow it',
    async (listen) => {
      const { handle, clock } = orchestrator(() => [], { listen });
      await expect(handle.start()).rejects.toMatchObject({
        code: 'DSO_CLOSED_BY_DEFAULT',
        message: expect.stringMatching(/no token is set. Set DSO_TOKEN or a token file/),
      });
      expect(clock.pending()).toBe(0);
    },
  );

  test('when the port is taken the launcher is closed again, and commands are refused', async () => {
    const launcher = fakeLauncher();
    const { handle, network, kinds } = orchestrator(() => [], { launcher });
    await network.listen('127.0.0.1:7447', () => undefined);
    await expect(handle.start()).rejects.toMatchObject({ code: 'DSO_PORT_TAKEN' });
    expect(launcher.calls).toEqual(['start', 'close']);
    await expect(
      handle.command({ kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' }),
    ).resolves.toMatchObject({ error: { code: 'DSO_NOT_RUNNING' } });
    await expect(handle.close('end')).resolves.toBeUndefined();
    expect(kinds()).toEqual([]);
  });

  test('an exit noticed while starting is told after the start', async () => {
    const launcher = fakeLauncher();
    const slowStart: Launcher = {
      ...launcher,
      start: async (handlers) => handlers.onExit({ node: 'adopted', description: 'exited' }),
    };
    const { handle, kinds } = orchestrator(() => [], { launcher: slowStart });
    await handle.start();
    expect(kinds()).toEqual(['started', 'processExited']);
  });

  // The orchestrator was paused: it heard of the death first. The Identify was that of a new node, which was given the
  // same shards again and again, each time at the cost of an IDENTIFY.
  test('what a node said before its machine was gone is heard before its death: nobody takes it for alive', async () => {
    const clock = virtualClock();
    const network = memoryNetwork({ clock });
    const launcher = fakeLauncher();
    const handle = createOrchestrator({
      ...alone(),
      listen: '127.0.0.1:7447',
      clock,
      random: seededRandom(1),
      transport: network,
      launcher,
    });
    await handle.start();
    const connecting = network.connect(handle.address, { timeoutMs: 1_000 });
    await clock.run(0);
    const peer = openMessageConnection(await connecting);
    peer.handle({ onMessage: () => undefined, onClose: () => undefined });
    peer.send(identify('adopted', { capabilities: [], host: null, pid: null }));
    launcher.exit('adopted');
    await clock.run(1_000);
    expect(handle.state.nodes.get('adopted')?.connection).toMatchObject({ kind: 'disconnected', gone: true });
    expect(handle.state.processes.has('adopted')).toBe(false);
    const closing = handle.close('leave');
    await clock.run(5_000);
    await closing;
    expect(clock.pending()).toBe(0);
  });
});

describe('close', () => {
  test('leave: commands are answered, nothing is stopped, no timer is left, and it can be repeated', async () => {
    const launcher = fakeLauncher();
    const { handle, clock, network, kinds } = orchestrator(() => [{ kind: 'wakeAt', at: 10_000_000_000_000 }], {
      launcher,
    });
    await handle.start();
    const connecting = network.connect(handle.address, { timeoutMs: 1_000 });
    await clock.run(0);
    const peer = openMessageConnection(await connecting);
    let ended = false;
    peer.handle({ onMessage: () => undefined, onClose: () => (ended = true) });
    peer.send(identify('a'));
    await clock.run(0);
    const command = handle.command({ kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' });
    const closing = Promise.all([handle.close('leave'), handle.close('end')]);
    await clock.run(5_000);
    await closing;
    await expect(command).resolves.toMatchObject({ ok: false, error: { code: 'DSO_NOT_RUNNING' } });
    expect(ended).toBe(true);
    expect(launcher.calls).toEqual(['start', 'close']);
    expect(kinds()).toEqual(['started', 'processAdopted', 'identify', 'command']);
    expect(clock.pending()).toBe(0);
  });

  test('end: the fleet is shut down, then every process is stopped', async () => {
    const launcher = fakeLauncher();
    const { handle, clock, events } = orchestrator(
      (event) =>
        event.kind === 'command'
          ? [{ kind: 'reply', request: event.request, result: { ok: true, message: 'down' } }]
          : [],
      { launcher },
    );
    await handle.start();
    const closing = handle.close('end');
    await clock.run(5_000);
    await closing;
    expect(events.at(-1)).toMatchObject({ kind: 'command', command: { kind: 'shutdownFleet' } });
    expect(launcher.calls).toEqual(['start', 'stop adopted 1000', 'close']);
    expect(clock.pending()).toBe(0);
  });

  test('end: a fleet that never answers, a launch that never ends and a process that cannot be stopped do not hold it up', async () => {
    const launcher = fakeLauncher({
      launch: () => new Promise(() => undefined),
      stop: () => Promise.reject(new Error('Node adopted was killed and is still there.')),
    });
    const { handle, clock, logger } = orchestrator(
      (event) => (event.kind === 'started' ? [{ kind: 'launchNode', launch: 'l1' }] : []),
      { launcher },
    );
    await handle.start();
    let over = false;
    void handle.close('end').then(() => (over = true));
    await clock.run(settings().commandTimeoutMs + 5_000);
    expect(over).toBe(true);
    expect(launcher.calls).toEqual(['start', 'close']);
    expect(logger.lines.find(({ level }) => level === 'error')?.message).toContain('is still there');
  });

  test('an orchestrator that is closed before its start never starts', async () => {
    const { handle } = orchestrator(() => []);
    await handle.close('leave');
    await expect(handle.start()).rejects.toMatchObject({ code: 'DSO_NOT_RUNNING' });
  });
});

describe('versions', () => {
  test('are answered from the source, and one update runs at a time', async () => {
    let pulls = 0;
    const versionSource = { deployed: async () => 'v1', pullNew: async () => `v${2 + pulls++}` };
    const { handle } = orchestrator(() => [], { versionSource });
    await expect(handle.deployedVersion()).resolves.toMatchObject({ ok: true, data: { version: 'v1' } });
    const [a, b] = await Promise.all([handle.pullNewVersion(), handle.pullNewVersion()]);
    expect(a).toMatchObject({ ok: true, data: { version: 'v2' } });
    expect(b).toEqual(a);
    await expect(handle.pullNewVersion()).resolves.toMatchObject({ data: { version: 'v3' } });
  });

  /** The story: each GET of /deployedversion started a process, and so did each monitor that looked. */
  test('are not read because somebody asks, and never two at a time', async () => {
    let [reads, pulls, atOnce, most] = [0, 0, 0, 0];
    const alone = async <T>(result: T): Promise<T> => {
      most = Math.max(most, ++atOnce);
      await Promise.resolve();
      atOnce -= 1;
      return result;
    };
    const versionSource = {
      deployed: () => alone(`v${pulls}.${++reads}`),
      pullNew: () => alone(`v${++pulls}`),
    };
    const { handle } = orchestrator(() => [], { versionSource });
    await handle.start();
    for (let i = 0; i < 100; i++) expect(await handle.deployedVersion()).toMatchObject({ data: { version: 'v0.1' } });
    await Promise.all([handle.pullNewVersion(), handle.deployedVersion()]);
    expect(await handle.deployedVersion()).toMatchObject({ data: { version: 'v1.2' } });
    expect([reads, most]).toEqual([2, 1]);
    await handle.close('leave');
  });

  test('are refused with the reason when the source fails; without a source the answer says what to configure', async () => {
    const versionSource = { deployed: () => Promise.reject(new Error('fatal: no tag')), pullNew: async () => '' };
    const failing = orchestrator(() => [], { versionSource });
    await expect(failing.handle.deployedVersion()).resolves.toMatchObject({
      ok: false,
      error: { message: 'fatal: no tag', fault: 'fleet' },
    });
    await expect(orchestrator(() => []).handle.pullNewVersion()).resolves.toMatchObject({
      ok: false,
      error: { code: 'DSO_NO_VERSION_SOURCE', fault: 'conflict' },
    });
  });
});
