/** Strangers at the node port, over real sockets. */
import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeMessage, MAX_BODY_BYTES } from '@dshard/protocol';
import { resolveConfig } from '@dshard/api/config';
import { until } from '@dshard/testkit';
import { parseAddress, silentLogger, systemClock } from '@dshard/transport';
import { startOrchestrator, type StartedOrchestrator } from '@dshard/orchestrator';
import { identify } from './peer.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function orchestrator(): Promise<StartedOrchestrator> {
  const config = resolveConfig({
    flags: Object.entries({
      listen: '127.0.0.1:0',
      'store.kind': 'memory',
      'http.enabled': 'false',
      totalShards: '4',
      tokenless: 'true',
    }).map(([key, written]) => ({ key, written, flag: key })),
    cwd: process.cwd(),
    file: null,
  });
  const started = await startOrchestrator(config, { logger: silentLogger });
  closing.push(() => started.close('leave'));
  return started;
}

async function connected({ address }: StartedOrchestrator): Promise<Socket> {
  const socket = createConnection(parseAddress(address)).on('error', () => undefined);
  closing.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** The story: a refused Go node connects again as soon as it is closed; it did so 1,600 times a second. */
test('a refused peer that connects again and again is held, and takes two lines of the history', async () => {
  const started = await orchestrator();
  const clock = systemClock();
  const from = clock.monotonicMs();
  let tries = 0;
  while (clock.monotonicMs() - from < 3_000) {
    const socket = await connected(started);
    tries += 1;
    socket
      .resume()
      .write(encodeMessage({ ...identify('go'), logicVersion: 99, capabilities: [], host: null, pid: null }));
    await once(socket, 'close');
  }
  // 250 + 500 + 1,000 + 2,000 ms.
  expect(tries).toBeLessThanOrEqual(4);
  const refusals = started.orchestrator.history().filter(({ name }) => name === 'nodeRefused');
  expect(refusals).toHaveLength(1);
});

describe('frames that do not end', () => {
  test('of 40 peers hold no more than the bound, and the others are served meanwhile', async () => {
    const started = await orchestrator();
    const header = Buffer.alloc(8);
    header.writeUInt32LE(100, 0);
    header.writeUInt32LE(MAX_BODY_BYTES, 4);
    const before = process.memoryUsage().arrayBuffers;
    const half = Buffer.alloc(MAX_BODY_BYTES - 1);
    const sockets = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const socket = await connected(started);
        socket.write(encodeMessage({ ...identify(`n${index}`), capabilities: [], host: null, pid: null }));
        await once(socket, 'data');
        socket.on('data', () => undefined).write(header);
        socket.write(half);
        return socket;
      }),
    );
    // Of the 32 that are too many, 16 wait for their close.
    let most = 0;
    await until(
      () => {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        return sockets.filter((socket) => socket.destroyed).length >= 16;
      },
      { what: 'the bound to be kept', timeoutMs: 20_000 },
    );
    expect(most).toBeLessThan(320 * 1024 * 1024);
    const late = await connected(started);
    late.write(encodeMessage({ ...identify('late'), capabilities: [], host: null, pid: null }));
    await once(late, 'data');
  });
});
