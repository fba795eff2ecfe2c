import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { leakGuard, until } from '@dshard/testkit';
import { silentLogger } from '@dshard/transport';
import { resolveConfig, type ResolvedConfig } from '@dshard/api/config';
import { startOrchestrator } from '../src/main.js';

leakGuard({ beforeEach, afterEach });

function configOf(values: Record<string, unknown>): ResolvedConfig {
  const settings = {
    totalShards: 2,
    'store.kind': 'memory',
    listen: '127.0.0.1:0',
    'http.listen': '127.0.0.1:0',
    ...values,
  };
  const flags = Object.entries(settings).map(([key, written]) => ({ key, written, flag: key }));
  return resolveConfig({ flags, cwd: tmpdir() });
}

const surroundings = { logger: silentLogger };

async function takenPort(): Promise<{ address: string; close(): void }> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await until(() => server.listening, { what: 'the other program' });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

async function isFree(address: string): Promise<boolean> {
  const started = await startOrchestrator(configOf({ listen: address, 'http.enabled': false }), surroundings);
  await started.close('leave');
  return started.address === address;
}

describe('startOrchestrator', () => {
  test('starts all of it and ends all of it, however often that is asked for', async () => {
    const started = await startOrchestrator(configOf({}), surroundings);
    const response = await fetch(`http://${started.httpAddress}/v1/status`, { headers: { connection: 'close' } });
    expect(await response.json()).toMatchObject({ nodes: [], version: expect.stringMatching(/^\d+\./) });
    await Promise.all([started.close('leave'), started.close('end')]);
    await expect(fetch(`http://${started.httpAddress}/healthz`)).rejects.toThrow();
  });

  test('runs without a REST interface', async () => {
    const started = await startOrchestrator(configOf({ 'http.enabled': false }), surroundings);
    expect(started.httpAddress).toBeNull();
    await started.kill();
    await started.close('leave');
  });

  test('leaves nothing behind when a port is taken', async () => {
    const taken = await takenPort();
    const free = await takenPort();
    free.close();
    const nodes = startOrchestrator(configOf({ listen: taken.address, 'http.listen': free.address }), surroundings);
    await expect(nodes).rejects.toMatchObject({
      code: 'DSO_ADDRESS_TAKEN',
      message: expect.stringContaining('--listen'),
    });
    expect(await isFree(free.address)).toBe(true);

    const rest = startOrchestrator(configOf({ listen: free.address, 'http.listen': taken.address }), surroundings);
    await expect(rest).rejects.toMatchObject({ code: 'DSO_ADDRESS_TAKEN', message: expect.stringContaining('--http') });
    expect(await isFree(free.address)).toBe(true);
    taken.close();
  });

  test('warns of settings that should not stay as they are', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_fields: unknown, message: string) => void warnings.push(message) };
    const started = await startOrchestrator(configOf({ token: 'short' }), { logger });
    await started.close('leave');
    expect(warnings).toEqual([expect.stringMatching(/at most 25 bits/)]);
  });

  test('refuses a second orchestrator on the same store by name; as a standby it takes over what the first knew', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dso-main-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'state.db');
    const config = (more: Record<string, unknown> = {}): ResolvedConfig =>
      configOf({ 'store.kind': 'sqlite', 'store.path': path, skipStartupGraceMaxShards: 10, ...more });
    const first = await startOrchestrator(config(), surroundings);
    const response = await fetch(`http://${first.httpAddress}/v1/status`, { headers: { connection: 'close' } });
    expect(await response.json()).toMatchObject({ store: { name: `sqlite (${path})`, epoch: 1, state: 'open' } });
    await expect(startOrchestrator(config(), surroundings)).rejects.toMatchObject({
      code: 'DSO_STORE_LED',
      message: expect.stringMatching(new RegExp(`process id ${process.pid} on host .*, started 20`)),
    });

    const waiting = startOrchestrator(config({ 'store.standby': true }), surroundings);
    const seen = first.orchestrator.history().map(({ text }) => text);
    await first.close('leave');
    const second = await waiting;
    expect(second.orchestrator.store.epoch).toBe(2);
    expect(second.orchestrator.history().map(({ text }) => text)).toEqual(expect.arrayContaining(seen));
    await second.close('leave');
  });

  test('gives the store back when the start fails', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dso-main-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const store = { 'store.kind': 'sqlite', 'store.path': join(directory, 'state.db') };
    const taken = await takenPort();
    for (const key of ['listen', 'http.listen']) {
      const start = startOrchestrator(configOf({ ...store, [key]: taken.address }), surroundings);
      await expect(start).rejects.toMatchObject({ code: 'DSO_ADDRESS_TAKEN' });
    }
    taken.close();
    const started = await startOrchestrator(configOf(store), surroundings);
    expect(started.orchestrator.store.epoch).toBe(3);
    await started.close('leave');
  });
});
