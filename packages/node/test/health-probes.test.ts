import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HealthProbes, whyNotReady } from '../src/health-probes.js';
import { initialState } from '../src/session/state.js';
import type { NodeState } from '../src/session/state.js';
import { resolveOptions } from '../src/options.js';
import { identityOf } from '../src/identity.js';
import { FakeHost } from './fake-host.js';
import { EXTENDED } from './fake-orchestrator.js';
import { close, world } from './node-world.js';

leakGuard({ beforeEach, afterEach });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await until(() => server.listening, { what: 'a port' });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ask(port: number, path: string, method = 'GET'): Promise<[status: number, body: unknown]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  return [response.status, await response.json()];
}

describe('probes of a node', () => {
  test('say that the process lives, and whether the node is part of the fleet and means to stay', async () => {
    const port = await freePort();
    const { node, orchestrator, start, say, clock } = await world(EXTENDED, { healthListen: `127.0.0.1:${port}` });
    await expect(ask(port, '/livez')).rejects.toThrow();
    await start();
    await until(() => node.status.kind === 'established', { what: 'the node' });
    expect(await ask(port, '/livez')).toEqual([200, { ok: true }]);
    expect(await ask(port, '/readyz')).toEqual([200, { ready: true }]);
    expect(await ask(port, '/status')).toEqual([404, { why: 'There are /livez and /readyz here.' }]);
    expect((await ask(port, '/livez', 'POST'))[0]).toBe(405);
    await say({ kind: 'versionHealth', failing: 'node b is not well: no database' });
    expect(await ask(port, '/readyz')).toEqual([
      503,
      { ready: false, why: 'versionFailing: node b is not well: no database' },
    ]);
    await say({ kind: 'versionHealth', failing: null });
    expect(await ask(port, '/readyz')).toEqual([200, { ready: true }]);
    await orchestrator.close();
    await clock.run(1_000);
    expect(await ask(port, '/livez')).toEqual([200, { ok: true }]);
    expect(await ask(port, '/readyz')).toMatchObject([
      503,
      { ready: false, why: expect.stringMatching(/waiting|connecting/) },
    ]);
    await close(node, clock);
    await expect(ask(port, '/livez')).rejects.toThrow();
  });

  test('on an address that is taken are missed, and said so; the node goes on', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await until(() => taken.listening, { what: 'a port' });
    const { port } = taken.address() as AddressInfo;
    const problems: string[] = [];
    const probes = new HealthProbes(
      `127.0.0.1:${port}`,
      () => stateOf(),
      (text) => problems.push(text),
    );
    probes.start();
    await until(() => problems.length > 0, { what: 'the problem' });
    expect(problems[0]).toMatch(/^Probes cannot be answered on 127\.0\.0\.1:\d+ \(healthListen\): .*EADDRINUSE/);
    probes.close();
    await new Promise((resolve) => taken.close(resolve));
  });

  test.each<[what: string, changes: Partial<NodeState>, why: string | null]>([
    ['established', { link: established() }, null],
    [
      'leaving',
      { link: established(), lifecycle: { kind: 'leaving', deadline: 1, final: false, asked: 'bot' } as never },
      'leaving',
    ],
    ['waiting', { link: { kind: 'waiting', attempt: 1, until: 5, reason: 'refused' } }, 'waiting: refused'],
    ['not started', {}, 'connecting'],
  ])('a node that is %s', (_, changes, why) => {
    expect(whyNotReady({ ...stateOf(), ...changes })).toBe(why);
  });

  test('listen where the environment says, or the option; a wrong address is refused by name', () => {
    const host = new FakeHost();
    expect(resolveOptions({ host }, { DSO_HEALTH_LISTEN: '0.0.0.0:8080' }).healthListen).toBe('0.0.0.0:8080');
    expect(resolveOptions({ host, healthListen: '127.0.0.1:1' }, {}).healthListen).toBe('127.0.0.1:1');
    expect(resolveOptions({ host }, {}).healthListen).toBeNull();
    expect(() => resolveOptions({ host, healthListen: 'nowhere' }, {})).toThrow(
      /"healthListen" of createNode is "nowhere"/,
    );
  });
});

function established(): NodeState['link'] {
  return { kind: 'established', connection: 1, capabilities: [], heartbeat: null, reading: 'open' };
}

function stateOf(): NodeState {
  const options = resolveOptions({ host: new FakeHost() }, {});
  return initialState(identityOf(options), options.session);
}

describe('a shard that goes up or down', () => {
  test('is told of soon, and once for all that change together, not only with the next heartbeat', async () => {
    const { node, host, orchestrator, start, clock } = await world({ ...EXTENDED, heartbeatIntervalMs: 5_000 });
    await start();
    await clock.run(0);
    const beats = (): number => orchestrator.peer.of('heartbeat').length;
    const before = beats();
    host.context?.reportSoon?.();
    host.context?.reportSoon?.();
    await clock.run(200);
    expect(beats()).toBe(before + 1);
    await close(node, clock);
  });
});
