import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '@dshard/transport';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectProxy, until } from '@dshard/testkit';
import { createWebhook, type WebhookOptions } from '../../../src/adapters/webhook/webhook.js';
import { bodyOf } from '../../../src/adapters/webhook/bodies.js';
import { outgoingFetch } from '../../../src/adapters/outgoing/fetch.js';
import type { AlarmNotice } from '../../../src/ports/surroundings.js';
import { recordingLogger } from '../../recording-logger.js';

const SECRET = 'hook-secret-5f3a';
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

function notice(event: AlarmNotice['event'] = 'raised', changes: Partial<AlarmNotice['alarm']> = {}): AlarmNotice {
  return {
    event,
    alarm: {
      key: 'shardsDown',
      kind: 'shardsDown',
      level: 'error',
      since: 1_000,
      raisedAt: 2_000,
      reason: 'Shard 3 is down.',
      remedy: 'Wait.',
      shards: [3],
      nodes: ['web-1'],
      ...changes,
    },
  };
}

/** `answers`: one after the other, the last for ever; null: no answer at all. */
async function webhook(
  answers: readonly { status: number; headers?: Record<string, string> }[] | null,
  options: Partial<WebhookOptions> = {},
) {
  const bodies: { alarms: { event: string; key: string }[]; dropped: number }[] = [];
  const heard: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    heard.push(request.headers);
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push(JSON.parse(text) as (typeof bodies)[number]);
      const answer = answers?.[Math.min(bodies.length, answers.length) - 1];
      if (answer !== undefined) response.writeHead(answer.status, answer.headers).end();
    });
  }).listen(0, '127.0.0.1');
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  await until(() => server.listening, { what: 'the server' });
  const { port } = server.address() as AddressInfo;
  const logger = recordingLogger();
  const url = `http://127.0.0.1:${port}/api/webhooks/1/${SECRET}`;
  const clock = quickClock();
  const sink = createWebhook({ url, format: 'json', version: '1.2.3', clock, logger, ...options });
  closing.push(() => sink.close());
  return { sink, bodies, heard, logger, port };
}

/** Waits a hundred times faster, so that no test sits through a pause of minutes. */
function quickClock(): Clock {
  const clock = systemClock();
  return {
    ...clock,
    after: (delayMs, callback) => clock.after(delayMs / 100, callback),
    monotonicMs: () => clock.monotonicMs() * 100,
  };
}

describe('a webhook', () => {
  test('is told what rises and what falls, as JSON that says everything', async () => {
    const { sink, bodies, heard } = await webhook([{ status: 204 }]);
    sink.tell([notice(), notice('cleared', { key: 'crashLoop', kind: 'crashLoop' })]);
    await until(() => bodies.length === 1, { what: 'the post' });
    expect(heard[0]).toMatchObject({ 'content-type': 'application/json' });
    expect(bodies[0]).toMatchObject({
      source: 'dshardorchestrator',
      version: '1.2.3',
      dropped: 0,
      alarms: [
        { event: 'raised', key: 'shardsDown', level: 'error', since: 1_000, reason: 'Shard 3 is down.', shards: [3] },
        { event: 'cleared', key: 'crashLoop' },
      ],
    });
  });

  test('that is overloaded is told later, as it asks', async () => {
    const { sink, bodies, logger } = await webhook([
      { status: 429, headers: { 'retry-after': '1' } },
      { status: 503 },
      { status: 204 },
    ]);
    sink.tell([notice()]);
    await until(() => bodies.length === 3, { what: 'the third attempt' });
    await sink.close();
    expect(logger.lines).toEqual([]);
  });

  test('that is reached through a proxy only is told through the proxy; a proxy that lets nothing through is named', async () => {
    const target = await webhook([{ status: 204 }]);
    const proxy = await ConnectProxy.start({ target: target.port, credentials: 'alice:right' });
    closing.push(() => proxy.close());
    const behind = (credentials: string, clock: Clock) => {
      const fetch = outgoingFetch({ HTTP_PROXY: `http://${credentials}@127.0.0.1:${proxy.port}` });
      return webhook(null, { url: `http://hook.test/api/webhooks/1/${SECRET}`, fetch, clock });
    };
    const told = await behind('alice:right', systemClock());
    told.sink.tell([notice()]);
    await until(() => target.bodies.length === 1, { what: 'the post' });
    expect(proxy.asked).toEqual(['hook.test:80']);

    const untold = await behind('alice:wrong', quickClock());
    untold.sink.tell([notice()]);
    await until(() => untold.logger.lines.length === 1, { what: 'the line' });
    const line = JSON.stringify(untold.logger.lines);
    expect(line).toContain(`through the proxy 127.0.0.1:${proxy.port} (HTTP_PROXY)`);
    expect(line).not.toMatch(new RegExp(`${SECRET}|wrong`));
  });

  test('that refuses is not asked again, and the log says so without its address', async () => {
    const { sink, bodies, logger } = await webhook([{ status: 404 }]);
    sink.tell([notice()]);
    await until(() => logger.lines.length === 1, { what: 'the line' });
    expect(bodies).toHaveLength(1);
    expect(logger.lines[0]?.message).toMatch(/^The webhook on 127\.0\.0\.1:\d+ was not told of 1 alarm: .*404\.$/);
    expect(JSON.stringify(logger.lines)).not.toContain(SECRET);
  });

  test.each([
    ['does not answer', null, /no answer within 5 s/],
    ['sends elsewhere', [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }], /redirect/],
  ])('that %s is tried a few times, and given up', async (_, answers, reason) => {
    const { sink, bodies, logger } = await webhook(answers);
    sink.tell([notice()]);
    await until(() => logger.lines.length === 1, { what: 'the line' });
    expect(bodies).toHaveLength(4);
    expect(logger.lines[0]?.message).toMatch(reason);
    expect(JSON.stringify(logger.lines)).not.toContain(SECRET);
  });

  test('is told of a flood in few posts, and of the newest of it', async () => {
    const { sink, bodies } = await webhook([{ status: 204 }]);
    for (let index = 0; index < 500; index += 1) sink.tell([notice('raised', { key: `shardRefused:${index}` })]);
    await until(() => bodies.at(-1)?.alarms.at(-1)?.key === 'shardRefused:499', { what: 'the newest' });
    expect(bodies.length).toBeLessThan(60);
    // A post whose answer is late is made again: its alarms count once.
    const told = new Set(bodies.flatMap(({ alarms }) => alarms.map(({ key }) => key)));
    expect(told.size).toBeLessThanOrEqual(211);
    expect(bodies.reduce((sum, { dropped }) => sum + dropped, 0)).toBeGreaterThanOrEqual(289);
  });

  test('does not hold up the end of the orchestrator', async () => {
    const { sink, bodies } = await webhook(null);
    sink.tell([notice()]);
    await until(() => bodies.length === 1, { what: 'the post' });
    await sink.close();
    sink.tell([notice()]);
    expect(bodies.length).toBeLessThanOrEqual(2);
  });
});

describe('Discord’s own format', () => {
  const news = (notices: readonly AlarmNotice[]) => ({ notices, dropped: 0, version: '1.2.3', at: 5_000 });

  test('has an embed for each alarm, and mentions nobody, whatever a reason says', () => {
    expect(bodyOf('discord', news([notice('raised', { reason: '@everyone!' }), notice('cleared')]))).toEqual({
      username: 'dshardorchestrator',
      allowed_mentions: { parse: [] },
      embeds: [
        {
          title: 'Alarm: shardsDown',
          description: '@everyone!\nWait.',
          color: 0xd83c3e,
          fields: [
            { name: 'Shards', value: '3', inline: true },
            { name: 'Nodes', value: 'web-1', inline: true },
          ],
          timestamp: '1970-01-01T00:00:01.000Z',
        },
        expect.objectContaining({ title: 'Over: shardsDown', color: 0x3ba55c, timestamp: '1970-01-01T00:00:05.000Z' }),
      ],
    });
  });

  test('stays below Discord’s limits, however much there is to say', () => {
    const shards = Array.from({ length: 5_000 }, (_, index) => index * 2);
    const nodes = shards.map((shard) => `node-with-a-long-name-${shard}`);
    const long = notice('raised', { reason: 'x'.repeat(9_000), shards, nodes });
    const body = bodyOf('discord', news(Array.from({ length: 10 }, () => long))) as {
      embeds: { title: string; description: string; fields: { name: string; value: string }[] }[];
    };
    const texts = body.embeds.flatMap(({ title, description, fields }) => [
      title,
      description,
      ...fields.flatMap(({ name, value }) => [name, value]),
    ]);
    expect(texts.join('').length).toBeLessThanOrEqual(6_000);
    expect(body.embeds).toHaveLength(10);
  });
});
