import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { systemClock } from '@dshard/transport';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fakeFleet } from '../fake-fleet.js';
import { runDso } from '../dso.js';

type Line = { name: string; state: string; text: string; remedy: string | null };
type Report = { code: number | null; line(this: void, name: string): Line | undefined; stdout: string };

const NOWHERE = '127.0.0.1:1';

function folder(config: object): string {
  const path = mkdtempSync(join(tmpdir(), 'dso-doctor-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const ports = { listen: '127.0.0.1:0', http: { listen: '127.0.0.1:0' } };
  writeFileSync(join(path, 'dso.yaml'), JSON.stringify({ totalShards: 2, ...ports, ...config }));
  return path;
}

async function doctor(cwd: string, environment: Record<string, string> = {}): Promise<Report> {
  const { code, stdout } = await runDso(['doctor', '-o', 'json'], {
    cwd,
    environment: { DSO_CLI_ADDR: NOWHERE, ...environment },
  });
  const { checks } = JSON.parse(stdout) as { checks: Line[] };
  return {
    code,
    stdout,
    line: (name) =>
      checks.find((check) => check.name === name && check.state !== 'ok') ??
      checks.find((check) => check.name === name),
  };
}

/** A server that answers as Discord does, or as a test wants. */
async function discord(
  answer: (path: string) => { status?: number; headers?: Record<string, string>; body: object },
): Promise<string> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { status = 200, headers = {}, body } = answer(request.url ?? '');
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
}

describe('dso doctor', () => {
  test('finds all well with a token that the gateway takes, without an orchestrator', async () => {
    const emulator = await startGatewayEmulator({ shards: 2 }, { clock: systemClock() });
    onTestFinished(() => emulator.close());
    const cwd = folder({ discord: { token: emulator.token, api: emulator.apiUrl } });
    const { code, line, stdout } = await doctor(cwd);
    const states = ['token', 'token accepted', 'session starts', 'gateway', 'clock', 'disk', 'node', 'packages'].map(
      (name) => [name, line(name)?.state],
    );
    expect(states.filter(([, state]) => state !== 'ok')).toEqual([]);
    expect([line('orchestrator')?.state, code]).toEqual(['skip', 0]);
    expect(stdout).not.toContain(emulator.token);
    const text = await runDso(['doctor'], { cwd, environment: { DSO_CLI_ADDR: NOWHERE } });
    expect(text.stdout).toMatch(/^ok {4}gateway +ws:.* takes connections/m);
  });

  test('tells a token that is refused, and one that is something else, with what to do', async () => {
    const api = await discord(() => ({ status: 401, body: { message: '401: Unauthorized' } }));
    const refused = await doctor(folder({ discord: { token: 'a.b.c', api } }));
    expect([refused.code, refused.line('token accepted')]).toEqual([
      1,
      expect.objectContaining({ state: 'fail', remedy: expect.stringContaining('Reset Token') }),
    ]);
    const secret = 'abcdefghijklmnopqrstuvwxyz012345';
    const { line, stdout } = await doctor(folder({ discord: { token: secret } }), {
      HTTPS_PROXY: 'http://127.0.0.1:1',
    });
    expect(line('token')?.text).toMatch(/client secret/);
    expect(stdout).not.toContain(secret);
  });

  test('tells session starts that do not suffice, a clock that is wrong, and intents that are not granted', async () => {
    const limit = { total: 1000, remaining: 3, reset_after: 60_000, max_concurrency: 1 };
    const gateway = { url: 'ws://127.0.0.1:1', shards: 16, session_start_limit: limit };
    const api = await discord((path) => ({
      headers: { date: 'Tue, 02 Jan 2024 03:04:05 GMT' },
      body: path.endsWith('/gateway/bot') ? gateway : { flags: 1 << 15 },
    }));
    const cwd = folder({ discord: { token: 'a.b.c', api }, launcher: { bot: './bot.js' } });
    writeFileSync(join(cwd, 'bot.js'), 'intents: [GatewayIntentBits.GuildMembers, GatewayIntentBits.MessageContent]');
    const { line, code } = await doctor(cwd);
    expect([line('session starts')?.state, line('clock')?.state, line('gateway')?.state]).toEqual([
      'warn',
      'fail',
      'fail',
    ]);
    expect(line('intents')).toMatchObject({
      state: 'warn',
      text: expect.stringMatching(/Granted: GuildMembers\. .*names MessageContent/),
    });
    expect(code).toBe(1);
  });

  test('names a setting that is wrong, a port that is taken, and a certificate that cannot be used', async () => {
    const broken = await doctor(folder({ nodse: 2 }));
    expect([broken.code, broken.line('configuration')?.text]).toEqual([
      1,
      expect.stringContaining('Did you mean "nodes"'),
    ]);

    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const taken = await doctor(folder({ http: { listen: `127.0.0.1:${port}` } }));
    expect(taken.line('port http')).toMatchObject({ state: 'fail', remedy: expect.stringContaining('http.listen') });

    const cwd = folder({ tls: { cert: 'cert.pem', key: 'key.pem' } });
    for (const name of ['cert.pem', 'key.pem']) writeFileSync(join(cwd, name), 'nonsense');
    expect((await doctor(cwd)).line('configuration')).toMatchObject({
      state: 'fail',
      text: expect.stringContaining('cert.pem'),
    });
  });

  test.skipIf(process.getuid?.() === 0)('tells a folder that cannot be written', async () => {
    const cwd = folder({ store: { path: 'closed/state.db' } });
    mkdirSync(join(cwd, 'closed'));
    chmodSync(join(cwd, 'closed'), 0o500);
    expect((await doctor(cwd)).line('disk')).toMatchObject({ state: 'fail', text: expect.stringContaining('closed') });
  });

  test('looks at a running orchestrator, and its ports are no fault then', async () => {
    const { address, orchestrator } = await fakeFleet();
    orchestrator.standing = [
      {
        key: 'k',
        kind: 'shardsDown',
        level: 'error',
        since: 0,
        raisedAt: 0,
        reason: 'Shard 3 is down.',
        remedy: 'Look.',
        shards: [3],
        nodes: [],
      },
    ];
    const { line, code } = await doctor(folder({ http: { listen: address } }), { DSO_CLI_ADDR: address });
    expect(line('port http')?.state).toBe('ok');
    expect(line('orchestrator')?.text).toMatch(/version 9\.9\.9, 2 nodes, 3 of 4 shards up/);
    expect([line('alarms'), code]).toEqual([expect.objectContaining({ state: 'fail', remedy: 'Look.' }), 1]);
    expect(line('bot version')?.text).toMatch(/Several run: v1 \(1 node\), v2 \(1 node\)/);
  });
});
