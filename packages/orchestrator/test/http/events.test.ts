import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leakGuard, until, virtualClock } from '@dshard/testkit';
import type { HttpServer } from '../../src/http/server.js';
import { testServer } from './test-server.js';

leakGuard({ beforeEach, afterEach });

/** What a stream has sent so far, and whether it has ended. */
type Stream = { response: IncomingMessage; text: string; ended: boolean; destroy(): void };

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function listening(
  options: Parameters<typeof testServer>[0] = {},
): Promise<Awaited<ReturnType<typeof testServer>> & { address: string }> {
  const made = await testServer(options);
  servers.push(made.server);
  return { ...made, address: await made.server.start() };
}

function openStream(address: string, path = '/v1/events', headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `http://${address}${path}`,
      { agent: false, headers: { accept: 'text/event-stream', ...headers } },
      (response) => {
        const stream: Stream = { response, text: '', ended: false, destroy: () => outgoing.destroy() };
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (stream.text += chunk));
        response.on('close', () => (stream.ended = true));
        response.on('error', () => undefined);
        resolve(stream);
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const idsIn = (stream: Stream): number[] => [...stream.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

describe('GET /v1/events as JSON', () => {
  test('answers with the history after an id', async () => {
    const { server, orchestrator } = await testServer();
    for (const text of ['one', 'two', 'three']) orchestrator.happen(text);
    const all = (await server.app.inject('/v1/events')).json();
    expect(all.map((each: { text: string }) => each.text)).toEqual(['one', 'two', 'three']);
    expect((await server.app.inject('/v1/events?after=2')).json()).toMatchObject([{ id: 3, text: 'three' }]);
    expect((await server.app.inject('/v1/events?after=3')).json()).toEqual([]);
  });

  test('answers with the whole history after an id that was not reached yet, which is of an earlier run without a store', async () => {
    const { server, orchestrator } = await testServer();
    orchestrator.happen('one');
    expect((await server.app.inject('/v1/events?after=900')).json()).toHaveLength(1);
  });

  test.each(['-1', 'x', '1.5', ''])('refuses after=%s and names it', async (after) => {
    const { server } = await testServer();
    const response = await server.app.inject(`/v1/events?after=${after}`);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ Message: expect.stringMatching(/"after"/), Error: true });
  });
});

describe('GET /v1/events as a stream', () => {
  test('is not opened by HEAD, which would hold it for nobody', async () => {
    const { server, orchestrator } = await testServer();
    const headers = { accept: 'text/event-stream' };
    const response = await server.app.inject({ method: 'HEAD', url: '/v1/events', headers });
    expect([response.statusCode, orchestrator.listeners]).toEqual([404, 0]);
  });

  test('begins with the history and goes on with what happens', async () => {
    const { address, orchestrator } = await listening();
    orchestrator.happen('before');
    const stream = await openStream(address);
    expect(stream.response.headers['content-type']).toMatch(/^text\/event-stream/);
    await until(() => idsIn(stream).length === 1, { what: 'the history' });
    orchestrator.happen('after');
    await until(() => idsIn(stream).length === 2, { what: 'what happened since' });
    const [, data] = [...stream.text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1]!));
    expect(data).toMatchObject({ id: 2, text: 'after', name: 'nodeJoined', level: 'info' });
  });

  test('goes on where the client was', async () => {
    const { address, orchestrator } = await listening();
    for (const text of ['one', 'two', 'three']) orchestrator.happen(text);
    const stream = await openStream(address, '/v1/events', { 'last-event-id': '2' });
    await until(() => idsIn(stream).length > 0, { what: 'an event' });
    expect(idsIn(stream)).toEqual([3]);
  });

  test('shows now and then that it lives', async () => {
    const clock = virtualClock();
    const { address } = await listening({ clock });
    const stream = await openStream(address);
    await until(() => stream.text.includes('hello'), { what: 'the first comment' });
    clock.advance(60_000);
    await until(() => stream.text.split(': still here').length > 3, { what: 'heartbeats' });
    // Comments are no events.
    expect(idsIn(stream)).toEqual([]);
  });

  test('ends when the server closes, which does not wait for it', async () => {
    const { address, server } = await listening();
    const stream = await openStream(address);
    await server.close();
    await until(() => stream.ended, { what: 'the stream to end' });
    await server.close();
  });

  test('lets go of a client that left', async () => {
    const { address, orchestrator } = await listening();
    const stream = await openStream(address);
    expect(orchestrator.listeners).toBe(1);
    stream.destroy();
    await until(() => orchestrator.listeners === 0, { what: 'the server to notice' });
  });

  test('cuts a client off that does not read, so that memory stays bounded', async () => {
    const { address, orchestrator } = await listening();
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write('GET /v1/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n');
    await until(() => orchestrator.listeners === 1, { what: 'the stream' });
    const long = 'x'.repeat(256 * 1024);
    await until(
      () => {
        orchestrator.happen(long);
        return orchestrator.listeners === 0;
      },
      { what: 'the connection to be cut' },
    );
    socket.destroy();
  });

  test('is refused when there are too many already', async () => {
    const { address } = await listening();
    const streams = await Promise.all(Array.from({ length: 64 }, () => openStream(address)));
    const one = await openStream(address);
    expect(one.response.statusCode).toBe(503);
    streams[0]!.destroy();
    await until(
      async () => {
        const next = await openStream(address);
        const { statusCode } = next.response;
        next.destroy();
        return statusCode === 200;
      },
      { what: 'room for another stream' },
    );
    for (const stream of streams) stream.destroy();
    one.destroy();
  });
});
