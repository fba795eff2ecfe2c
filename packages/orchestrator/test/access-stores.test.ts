/** API tokens and the audit over the real REST interface of a real orchestrator, and of the next one on its store. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditList, CreatedToken } from '@dshard/api';
import { resolveConfig } from '@dshard/api/config';
import { packagedPostgres, PostgresServer } from '@dshard/testkit';
import { silentLogger } from '@dshard/transport';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startOrchestrator, type StartedOrchestrator } from '../src/main.js';

const ADMIN = 'a-token-of-enough-characters-0123456789';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await PostgresServer.start(packagedPostgres());
});
afterAll(() => postgres.close());

function directoryOfTest(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dso-access-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

type Settings = Readonly<Record<string, unknown>>;

function start(directory: string, store: Settings): Promise<StartedOrchestrator> {
  const settings = {
    totalShards: 2,
    listen: '127.0.0.1:0',
    'http.listen': '127.0.0.1:0',
    'launcher.dataDir': directory,
    token: ADMIN,
    ...store,
  };
  const flags = Object.entries(settings).map(([key, written]) => ({ key, written, flag: key }));
  return startOrchestrator(resolveConfig({ flags, cwd: directory }), { logger: silentLogger });
}

async function ask(
  { httpAddress }: StartedOrchestrator,
  path: string,
  { token = ADMIN, body }: { token?: string; body?: object } = {},
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://${httpAddress}${path}`, {
    headers: { authorization: `Bearer ${token}`, connection: 'close', 'content-type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const create = async (at: StartedOrchestrator, body: object): Promise<string> =>
  ((await ask(at, '/v1/tokens', { body })).body as CreatedToken).token;

const auditOf = async (at: StartedOrchestrator): Promise<AuditList['entries']> =>
  ((await ask(at, '/v1/audit')).body as AuditList).entries;

/** It may have a `_` of its own. */
const secretOf = (token: string): string => /^dso_[0-9a-f]+_(.{43})$/.exec(token)![1]!;

const stores: [name: string, settings: (directory: string) => Settings][] = [
  ['SQLite', (directory) => ({ 'store.kind': 'sqlite', 'store.path': join(directory, 'state.db') })],
  [
    'PostgreSQL',
    () => ({
      'store.kind': 'postgres',
      'store.url': postgres.url,
      'store.schema': 'access',
      // A busy machine is no broken database.
      'store.lease': '30s',
      'store.statementTimeout': '3s',
      heartbeat: '12s',
    }),
  ],
];

describe.each(stores)('on %s', (kind, settingsFor) => {
  test('tokens, what became of them, and the audit are there after a restart', async () => {
    const directory = directoryOfTest();
    const store = settingsFor(directory);
    const first = await start(directory, store);
    const reader = await create(first, { name: 'grafana', role: 'read', expires: 'never' });
    const operator = await create(first, { name: 'ci', role: 'operate' });
    const leaver = await create(first, { name: 'leaver', role: 'admin' });
    expect((await ask(first, '/v1/tokens/leaver/revoke', { body: {} })).status).toBe(200);
    expect((await ask(first, '/v1/operations', { token: operator, body: { kind: 'rebalance' } })).status).toBe(200);
    await first.close('leave');

    const second = await start(directory, store);
    onTestFinished(() => second.close('leave'));
    const statuses = async (token: string): Promise<number[]> => [
      (await ask(second, '/v1/status', { token })).status,
      (await ask(second, '/v1/operations', { token, body: { kind: 'rebalance' } })).status,
      (await ask(second, '/v1/audit', { token })).status,
    ];
    expect(await statuses(reader)).toEqual([200, 403, 403]);
    expect(await statuses(operator)).toEqual([200, 200, 403]);
    expect(await statuses(leaver)).toEqual([401, 401, 401]);

    const entries = await auditOf(second);
    const shown = entries.map(({ id, token, role, from, action, status }) => [id, token, role, from, action, status]);
    const configured = ['the configured token', 'admin', '127.0.0.1'];
    expect(shown).toEqual([
      [6, 'ci', 'operate', '127.0.0.1', 'startOperation', 200],
      [5, 'ci', 'operate', '127.0.0.1', 'startOperation', 200],
      [4, ...configured, 'revokeToken', 200],
      [3, ...configured, 'createToken', 201],
      [2, ...configured, 'createToken', 201],
      [1, ...configured, 'createToken', 201],
    ]);
    // Neither the tokens nor their secrets are anywhere in what is kept.
    if (kind === 'SQLite') {
      const kept = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
      expect(kept.map(({ name }) => name)).toContain('state.db');
      for (const { name } of kept) {
        const bytes = readFileSync(join(directory, name), 'latin1');
        for (const token of [reader, operator, leaver]) expect(bytes.includes(secretOf(token))).toBe(false);
      }
    }
  });

  test('whoever is refused leaves no trace in the audit that could push others out', async () => {
    const directory = directoryOfTest();
    const at = await start(directory, {
      ...settingsFor(directory),
      ...(kind === 'PostgreSQL' && { 'store.schema': 'b' }),
    });
    onTestFinished(() => at.close('leave'));
    const reader = await create(at, { name: 'grafana', role: 'read' });
    for (const token of [reader, 'wrong']) await ask(at, '/v1/operations', { token, body: { kind: 'rebalance' } });
    const entries = await auditOf(at);
    expect(entries.map(({ action }) => action)).toEqual(['createToken']);
  });
});
