/** The whole orchestrator against a Discord that refuses, over HTTP. */
import { createServer, type ServerResponse } from 'node:http';
import { until } from '@dshard/testkit';
import { silentLogger, systemClock, systemRandom, tcpTransport } from '@dshard/transport';
import { expect, onTestFinished, test } from 'vitest';
import { discordGatewayInfo } from '../../src/adapters/discord/gateway-info.js';
import type { OrchestratorHandle } from '../../src/runtime/contract.js';
import { createOrchestrator } from '../../src/runtime/orchestrator.js';
import { settings } from './settings.js';

const LIMIT = { total: 1000, remaining: 999, reset_after: 14_400_000, max_concurrency: 16 };
const ANSWER = JSON.stringify({ url: 'wss://gateway.discord.gg/', shards: 9, session_start_limit: LIMIT });

/** @param answers one after the other; the last goes on. */
async function orchestratorAgainst(...answers: ((response: ServerResponse) => void)[]) {
  const asked: number[] = [];
  const discord = createServer((_, response) => {
    asked.push(performance.now());
    (answers.length > 1 ? answers.shift() : answers[0])?.(response);
  });
  await new Promise<void>((resolve) => discord.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => discord.close().closeAllConnections());
  const address = discord.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const clock = systemClock();
  const orchestrator: OrchestratorHandle = createOrchestrator({
    listen: '127.0.0.1:0',
    token: null,
    settings: settings({ totalShards: null, startupGraceMs: 0 }),
    stopGraceMs: 0,
    clock,
    random: systemRandom(),
    transport: tcpTransport(),
    launcher: null,
    versionSource: null,
    gatewayInfo: discordGatewayInfo({ token: 'secret', api: `http://127.0.0.1:${port}/api/v10`, clock }),
    logger: silentLogger,
  });
  onTestFinished(() => orchestrator.close('leave'));
  await orchestrator.start();
  return { orchestrator, asked };
}

// It was asked again after 1, 2, 4 s, whatever Discord said.
test('after a rate limit Discord is asked when it said, and the shard count is known then', async () => {
  const { orchestrator, asked } = await orchestratorAgainst(
    (response) => response.writeHead(429, { 'retry-after': '3' }).end('{"retry_after":2.9}'),
    (response) => response.end(ANSWER),
  );
  await until(() => orchestrator.state.totalShards === 9, { what: 'the shard count' });
  expect(asked).toHaveLength(2);
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThan(2_900);
});

test('a wrong token is asked once, told once, and not asked again in the next minutes', async () => {
  const { orchestrator, asked } = await orchestratorAgainst((response) => response.writeHead(401).end('{}'));
  await until(() => orchestrator.state.gateway.kind === 'failed', { what: 'the refusal' });
  const { gateway } = orchestrator.state;
  expect(gateway).toMatchObject({ kind: 'failed', refused: expect.stringContaining('refused the bot token (401)') });
  if (gateway.kind === 'failed') expect(gateway.retryAt - gateway.at).toBe(300_000);
  expect(asked).toHaveLength(1);
  expect(orchestrator.history().filter(({ name }) => name === 'gatewayInfoFailed')).toHaveLength(1);
});
