import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leakGuard, until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import type { CommandResult } from '../../src/domain/state/commands.js';
import { testServer } from './test-server.js';

leakGuard({ beforeEach, afterEach });

/** Sends bytes as they are and returns everything that came back. */
async function raw(address: string, bytes: string): Promise<string> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

describe('the server', () => {
  test.each([
    ['no HTTP at all', '\u0000\u0001\u0002garbage\r\n\r\n'],
    ['a request without a host', 'GET /status HTTP/1.1\r\n\r\n'],
    ['a header without an end', `GET /status HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`],
  ])('answers %s in its own shape and lives on', async (_what, bytes) => {
    const { server } = await testServer();
    const address = await server.start();
    const text = await raw(address, bytes);
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect((await fetch(`http://${address}/status`, { headers: { connection: 'close' } })).status).toBe(200);
    await server.close();
  });

  test('says who has a port that is taken, and how to choose another', async () => {
    const first = await testServer();
    const address = await first.server.start();
    const second = await testServer({ listen: address });
    const port = address.split(':')[1]!;
    await expect(second.server.start()).rejects.toMatchObject({
      code: 'DSO_ADDRESS_TAKEN',
      message: expect.stringMatching(
        new RegExp(`another orchestrator has port ${port}.*dso status --address ${address}.*http\\.listen.*--http`),
      ),
    });
    await Promise.all([first.server.close(), second.server.close()]);
  });

  test('an address of another machine is unusable, and says so', async () => {
    const { server } = await testServer({ listen: '192.0.2.1:0', token: 'some-long-enough-token' });
    await expect(server.start()).rejects.toMatchObject({
      code: 'DSO_ADDRESS_UNUSABLE',
      message: expect.stringMatching(/192\.0\.2\.1:0/),
    });
    await server.close();
  });

  test('an operation goes on when its client hangs up', async () => {
    const { server, orchestrator } = await testServer();
    const address = await server.start();
    let finish: (result: CommandResult) => void = () => undefined;
    orchestrator.result = new Promise((resolve) => (finish = resolve));
    const outgoing = request(`http://${address}/fullmigration`, { method: 'POST', agent: false });
    outgoing.on('error', () => undefined);
    outgoing.end();
    await until(() => orchestrator.commands.length === 1, { what: 'the command' });
    outgoing.destroy();
    finish({ ok: true, message: 'done after all' });
    expect(await orchestrator.result).toEqual({ ok: true, message: 'done after all' });
    expect((await fetch(`http://${address}/healthz`, { headers: { connection: 'close' } })).status).toBe(200);
    await server.close();
  });

  test('closing answers what is being answered, and cuts what never is', async () => {
    const { server, orchestrator } = await testServer({ clock: systemClock() });
    const address = await server.start();
    orchestrator.result = new Promise(() => undefined);
    const outgoing = request(`http://${address}/fullmigration`, { method: 'POST', agent: false });
    const cut = once(outgoing, 'error');
    outgoing.end();
    await until(() => orchestrator.commands.length === 1, { what: 'the command' });
    await server.close();
    expect((await cut)[0]).toMatchObject({ code: 'ECONNRESET' });
  });
});
