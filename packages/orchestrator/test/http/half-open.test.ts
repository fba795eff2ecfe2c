/**
 * The story: clients that opened a connection and did nothing, or sent half a request, or did not read the answer, kept
 * their descriptor for as long as they liked, for we ended the connection and waited for them to end it too.
 */
import { connect, type Socket } from 'node:net';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leakGuard, until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import type { RecordedEntry } from '../../src/runtime/contract.js';
import { testServer } from './test-server.js';

leakGuard({ beforeEach, afterEach });

const timeouts = { requestMs: 600, headMs: 300, lookEveryMs: 50, readingMs: 300, lastWordsMs: 100 };

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Does not end its side, whatever the server does. */
function halfOpen(address: string, bytes: string, reads: boolean): Socket {
  const [host, port] = address.split(':');
  const socket = connect({ port: Number(port), host, allowHalfOpen: true });
  socket.on('error', () => undefined).write(bytes);
  return reads ? socket.resume() : socket.pause();
}

const large: RecordedEntry[] = Array.from({ length: 2_000 }, (_, id) => ({
  name: 'nodeJoined',
  level: 'info',
  text: 'x'.repeat(5_000),
  by: 'automatic',
  fields: {},
  id,
  at: 0,
}));

describe('a client that is half open', () => {
  test.each([
    ['says nothing', '', true],
    ['sends half a head', 'GET /status HTTP/1.1\r\nhost: localhost\r\nx: ', true],
    ['sends half a body', 'POST /startnode HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\na', true],
    ['sends garbage and stays', 'garbage\r\n\r\n', true],
    ['does not read a large answer', 'GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n', false],
    ['asks again and again, and reads nothing', 'GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(20), false],
  ])('and %s gives its descriptor back', async (_what, bytes, reads) => {
    const { server, orchestrator } = await testServer({ clock: systemClock(), timeouts });
    orchestrator.pastEntries = async () => large;
    const address = await server.start();
    const before = descriptors();
    const sockets = Array.from({ length: 10 }, () => halfOpen(address, bytes, reads));
    await until(() => descriptors() >= before + 10, { what: 'the connections' });
    // Ours are kept: what is given back is the server's side.
    await until(() => descriptors() <= before + sockets.filter((socket) => !socket.destroyed).length, {
      what: 'the descriptors to be given back',
      timeoutMs: 10_000,
    });
    for (const socket of sockets) socket.destroy();
    const answer = await fetch(`http://${address}/healthz`, { headers: { connection: 'close' } });
    expect(answer.status).toBe(200);
    await server.close();
  });
});
