/** Calls of the shard host, and the order in which they reach it. */
import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { HostCalls } from '../src/host-calls.js';
import type { ShardHost } from '../src/index.js';

const SESSION = { sessionId: 's', sequence: 1, resumeGatewayUrl: '' };

// Found by the simulator: an operator stopped a shard in the moment in which it was resumed. The host was still told
// that the shard's state was lost; it was stopped before it had the shard, and then resumed it: the shard ran on, and
// nobody knew.
test('a stop that comes right behind a resume finds the shard', async () => {
  const said: string[] = [];
  let end = (): void => undefined;
  const host: ShardHost = {
    startShards: () => Promise.resolve(),
    stateLost: () => Promise.resolve(),
    resumeShard: () => {
      said.push('resume');
      return new Promise((resolve) => (end = () => resolve('resumed')));
    },
    stopShard: () => {
      said.push('stop');
      end();
      return Promise.resolve(SESSION);
    },
    freeze: () => Promise.resolve(SESSION),
  };
  const calls = new HostCalls({
    host,
    clock: virtualClock(),
    hostCallMs: 1_000,
    resumeMs: 1_000,
    readyMs: 1_000,
    slow: () => undefined,
    importFailed: () => undefined,
    transfers: null as never,
    lanes: null as never,
    context: () => null as never,
    failed: () => undefined,
  });
  const how = { stateLost: true, redelivers: false };
  const resumed = calls.run(1, { method: 'resumeShard', shardId: 0, session: SESSION, why: 'migration', how });
  const stopped = calls.run(2, { method: 'stopShard', shardId: 0, keepSession: true });
  expect(await stopped).toEqual({ ok: true, session: SESSION });
  await resumed;
  expect(said).toEqual(['resume', 'stop']);
});
