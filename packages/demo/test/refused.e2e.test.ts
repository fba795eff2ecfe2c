/**
 * Story: a bot's shards were refused by Discord (4014: an intent was taken from the bot in the developer portal), and
 * status went on to say that all of them were running. Now it shows everywhere, within 5 s.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Health, Readiness, StatusV1 } from '@dshard/api';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { GatewayIntentBits } from 'discord.js';
import { afterEach, expect, test } from 'vitest';

const DSO = fileURLToPath(import.meta.resolve('@dshard/cli/bin/dso.js'));
const BOT = fileURLToPath(new URL('bots/intents-bot.js', import.meta.url));
const WITHIN_MS = 5_000;

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

type Hook = { embeds: { title: string; description: string }[] };

async function webhook(): Promise<{ url: string; bodies: Hook[] }> {
  const bodies: Hook[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push(JSON.parse(text) as Hook);
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/webhooks/1/token`, bodies };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function dso(http: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, DSO_CLI_ADDR: http };
  return new Promise((resolve) => {
    execFile(process.execPath, [DSO, ...args], { env }, (_, stdout, stderr) => resolve(`${stdout}${stderr}`));
  });
}

test('a shard that Discord refuses (4014) shows in status, events, /readyz and the webhook within 5 s', async () => {
  const clock = systemClock();
  const emulator = await startGatewayEmulator(
    { shards: 2, guilds: 4, identifyWindowMs: 200, maxConcurrency: 2 },
    { clock },
  );
  ending.push(() => emulator.close());
  const { url, bodies } = await webhook();
  const folder = mkdtempSync(join(tmpdir(), 'dso-refused-'));
  ending.push(() => rmSync(folder, { recursive: true, force: true }));
  const config = {
    listen: '127.0.0.1:0',
    http: { listen: '127.0.0.1:0' },
    totalShards: 2,
    nodes: 1,
    alarms: { webhook: url, webhookFormat: 'discord' },
    launcher: {
      command: [process.execPath, BOT],
      env: { DISCORD_API: emulator.apiUrl, DISCORD_TOKEN: emulator.token },
    },
    discord: { token: emulator.token, api: emulator.apiUrl, identifyWindow: 200 },
  };
  writeFileSync(join(folder, 'dso.yaml'), JSON.stringify(config));
  const up = spawn(process.execPath, [DSO, 'up', '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  ending.push(() => end(up));
  let printed = '';
  up.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  up.stderr.resume();
  const line = await until(() => /^\{.*\}$/m.exec(printed)?.[0], { what: 'dso up', timeoutMs: 20_000 });
  const { http } = JSON.parse(line) as { http: string };
  const ask = async <T>(path: string): Promise<T> => (await (await fetch(`${http}${path}`)).json()) as T;
  await until(async () => (await ask<StatusV1>('/v1/status')).conditionCounts.up === 2, {
    what: 'both shards to be up',
    timeoutMs: 30_000,
  });
  expect((await ask<Readiness>('/readyz')).notUp).toEqual([]);

  emulator.admin.revokeIntents(GatewayIntentBits.MessageContent, { code: 4014 });
  const refusedAt = clock.monotonicMs();
  const seenAfter: Record<string, number> = {};
  const see = async (what: string, isSeen: () => Promise<boolean> | boolean): Promise<void> => {
    await until(isSeen, { what, timeoutMs: 20_000 });
    seenAfter[what] = Math.round(clock.monotonicMs() - refusedAt);
  };
  await Promise.all([
    see('dso status', async () =>
      /^0 - 1 refused by Discord with 4014 on .*: intents are used/m.test(await dso(http, ['status'])),
    ),
    see('dso events', async () => /Alarm credentialsRefused: 2 shards are refused/.test(await dso(http, ['events']))),
    see('/readyz', async () => {
      const { ready, notUp = [] } = await ask<Readiness>('/readyz');
      return (
        ready &&
        notUp.length === 2 &&
        notUp.every(({ condition: { kind, code } }) => kind === 'refused' && code === 4014)
      );
    }),
    see('the webhook', () =>
      bodies.some(({ embeds }) => embeds.some(({ title }) => title === 'Alarm: credentialsRefused')),
    ),
  ]);
  for (const [what, ms] of Object.entries(seenAfter)) expect(ms, what).toBeLessThan(WITHIN_MS);

  const health = await ask<Health>('/v1/health');
  expect(health).toMatchObject({ ok: false, up: 0, alarms: [{ key: 'credentialsRefused:4014', shards: [0, 1] }] });
  expect(JSON.stringify(bodies)).not.toContain(emulator.token);
});
