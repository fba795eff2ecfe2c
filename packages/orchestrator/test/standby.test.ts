import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CAPABILITIES, type Message } from '@dshard/protocol';
import { openMessageConnection, silentLogger, tcpTransport } from '@dshard/transport';
import { leakGuard, until } from '@dshard/testkit';
import { resolveConfig, type ResolvedConfig } from '@dshard/api/config';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startOrchestrator } from '../src/main.js';
import { advertised } from '../src/config/advertised.js';
import { bareIdentify, identify, proofOf } from './runtime/peer.js';

leakGuard({ beforeEach, afterEach });

const TOKEN = 'a-token-of-enough-characters-0123456789';

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await until(() => servers.every((server) => server.listening), { what: 'ports' });
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function configOf(values: Record<string, unknown>): ResolvedConfig {
  const flags = Object.entries(values).map(([key, written]) => ({ key, written, flag: key }));
  return resolveConfig({ flags, cwd: tmpdir() });
}

/** A leader, and a standby that would be on another host: with ports of its own. */
async function leaderAndStandby(more: Record<string, unknown> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'dso-standby-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const ports = await freePorts(4);
  const config = (index: number): ResolvedConfig =>
    configOf({
      totalShards: 2,
      'store.kind': 'sqlite',
      'store.path': join(directory, 'state.db'),
      'store.standby': index > 0,
      listen: `127.0.0.1:${ports[index]}`,
      'http.listen': `127.0.0.1:${ports[index + 2]}`,
      'launcher.dataDir': join(directory, `data-${index}`),
      token: TOKEN,
      ...more,
    });
  const surroundings = { logger: silentLogger };
  const leader = await startOrchestrator(config(0), surroundings);
  const waiting = startOrchestrator(config(1), surroundings);
  const rest = `http://127.0.0.1:${ports[3]}`;
  const ask = (path: string, token: string | null = TOKEN): Promise<Response> =>
    fetch(`${rest}${path}`, {
      headers: { connection: 'close', ...(token !== null && { authorization: `Bearer ${token}` }) },
    });
  await until(async () => (await ask('/livez')).ok, { what: 'the standby to answer' });
  return { leader, waiting, ask, address: `127.0.0.1:${ports[1]}`, http: `http://127.0.0.1:${ports[2]}` };
}

/** What a node that comes to this address hears, until it is hung up on. */
async function heardAt(
  address: string,
  { token = TOKEN, capabilities = CAPABILITIES }: { token?: string; capabilities?: readonly string[] } = {},
): Promise<Message[]> {
  const connection = openMessageConnection(await tcpTransport().connect(address, { timeoutMs: 5_000 }));
  const heard: Message[] = [];
  const closed = new Promise<void>((resolve) => {
    connection.handle({
      onMessage: (message) => {
        heard.push(message);
        if (message.kind !== 'challenge') return;
        const whole = identify('n', { capabilities });
        connection.send(proofOf(token, message, whole));
      },
      onUnknownEvent: () => undefined,
      onDrain: () => undefined,
      onClose: () => resolve(),
    });
  });
  connection.send(bareIdentify('n', { capabilities }));
  await closed;
  return heard;
}

describe('an orchestrator that waits for its turn', () => {
  test('tells nodes that know the token who leads, and nobody else', async () => {
    const { leader, waiting, address } = await leaderAndStandby();
    expect((await heardAt(address)).at(-1)).toEqual({ kind: 'notLeader', leader: leader.address });
    expect((await heardAt(address, { token: 'another-token-of-enough-characters-0' })).map(({ kind }) => kind)).toEqual(
      ['challenge'],
    );
    await leader.close('leave');
    await (await waiting).close('leave');
  });

  // A node of the version before this message is not to believe that it was let in.
  test('refuses a node that does not know the message for now, in words', async () => {
    const { leader, waiting, address } = await leaderAndStandby();
    const capabilities = CAPABILITIES.filter((each) => each !== 'not-leader');
    expect((await heardAt(address, { capabilities })).at(-1)).toMatchObject({
      kind: 'rejected',
      code: 'DSO_NOT_LEADER',
      message: expect.stringContaining(leader.address),
      retryable: true,
    });
    await leader.close('leave');
    await (await waiting).close('leave');
  });

  test('lives, is not ready, and names the leader to whoever knows the token', async () => {
    const { leader, waiting, ask, http } = await leaderAndStandby();
    expect((await ask('/livez', null)).status).toBe(200);
    const stranger = await ask('/readyz', null);
    expect([stranger.status, await stranger.json()]).toEqual([503, { ready: false }]);
    expect((await ask('/v1/status', null)).status).toBe(401);
    const answer = await ask('/v1/status');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      Message: expect.stringContaining(`process id ${process.pid}`),
      Error: true,
      Leader: http,
    });
    await leader.close('leave');
    await (await waiting).close('leave');
  });

  test('takes its own ports when its turn comes', async () => {
    const { leader, waiting, ask, address } = await leaderAndStandby();
    await leader.close('leave');
    const second = await waiting;
    expect(second.address).toBe(address);
    expect((await ask('/v1/status')).status).toBe(200);
    await second.close('leave');
  });
});

describe('where others reach an orchestrator', () => {
  const base = { totalShards: 1, token: TOKEN, insecure: true, 'store.kind': 'memory' };
  test('is where it listens, or the name of its host where that is everywhere', () => {
    expect(advertised(configOf({ ...base, listen: '127.0.0.1:7447' }))).toEqual({
      address: '127.0.0.1:7447',
      http: 'http://127.0.0.1:7448',
    });
    expect(advertised(configOf({ ...base, listen: '0.0.0.0:7447', 'http.listen': '0.0.0.0:80' }))).toEqual({
      address: `${hostname()}:7447`,
      http: `http://${hostname()}:80`,
    });
  });

  test('is what advertise says; of a port that the system chooses nothing is said', () => {
    const written = { listen: '0.0.0.0:7447', advertise: 'dso-1.internal:17447', 'http.listen': '0.0.0.0:7448' };
    expect(advertised(configOf({ ...base, ...written }))).toEqual({
      address: 'dso-1.internal:17447',
      http: 'http://dso-1.internal:7448',
    });
    expect(advertised(configOf({ ...base, listen: '127.0.0.1:0', 'http.enabled': false }))).toEqual({
      address: null,
      http: null,
    });
  });
});

test('a standby tells Prometheus that it does not lead, and how its own process is', async () => {
  const { leader, waiting, ask } = await leaderAndStandby();
  const answer = await ask('/metrics');
  const text = await answer.text();
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  expect(text).toContain('\ndso_leader 0\n');
  expect(text).toMatch(/\ndso_process_resident_memory_bytes [1-9]/);
  expect(text).not.toContain('dso_shards');
  expect((await ask('/metrics', null)).status).toBe(401);
  await leader.close('leave');
  await (await waiting).close('leave');
});
