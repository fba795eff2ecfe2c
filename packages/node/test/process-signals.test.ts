/**
 * SIGTERM of a node's process, with real processes. It used to end the process on the spot, with its shards on it: an
 * IDENTIFY for each, and all state lost.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tcpTransport } from '@dshard/transport';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeOrchestrator } from './fake-orchestrator.js';

leakGuard({ beforeEach, afterEach });

const NODE = fileURLToPath(new URL('../dist/index.js', import.meta.url));

/** A bot whose shards have sessions, and whose timers never end. */
const BOT = `
  import { createNode } from ${JSON.stringify(NODE)};
  const nothing = async () => null;
  const session = { sessionId: 's', sequence: 7, resumeGatewayUrl: 'wss://gateway.discord.gg' };
  const host = { startShards: nothing, resumeShard: nothing, stopShard: async () => session, freeze: nothing };
  const node = createNode({ host, lingerMs: 0 });
  node.onShutdown(() => void process.stdout.write('hook\\n'));
  setInterval(() => undefined, 1_000);
  await node.start();
`;

/** A process with one shard gets the signal. @param notes whether the orchestrator says that it has the cursor. */
async function signalled({ signals, notes }: { signals: readonly NodeJS.Signals[]; notes: boolean }) {
  const orchestrator = new FakeOrchestrator();
  const address = await orchestrator.listen(tcpTransport(), '127.0.0.1:0');
  orchestrator.onMessage = (peer, message) => {
    if (message.kind === 'shutdown' && notes) peer.send({ kind: 'shutdownNoted', cursors: message.sessions.length });
  };
  const env = { ...process.env, DSO_ORCHESTRATOR: address, DSO_NODE_ID: 'web-1', DSO_LEAVE_DEADLINE: '3s' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', BOT], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  await until(() => orchestrator.peers[0]?.of('identify').length === 1, { what: 'its node to connect' });
  orchestrator.peer.send({ kind: 'startShards', shardIds: [3] });
  await until(() => orchestrator.peer.of('startShards').length === 1, { what: 'its shard to run' });
  for (const signal of signals) {
    child.kill(signal);
    await until(() => orchestrator.peer.of('leave').length === 1, { what: 'its node to ask to leave' });
  }
  const code = await ended;
  const { peer } = orchestrator;
  await orchestrator.close();
  return { code, said, leaves: peer.of('leave'), sessions: peer.of('shutdown').flatMap(({ sessions }) => sessions) };
}

test('SIGTERM asks to leave; what is still here shortly before the deadline is said, and the exit code is 0', async () => {
  const { code, said, leaves, sessions } = await signalled({ signals: ['SIGTERM'], notes: true });
  expect(leaves).toEqual([{ kind: 'leave', withinMs: 3_000, intent: 'auto', successor: '' }]);
  expect(sessions).toMatchObject([{ shardId: 3, sessionId: 's', sequence: 7 }]);
  expect([code, said]).toEqual([0, 'hook\n']);
});

test('the exit code is 75 where nobody says that the cursors came, and a second signal does not wait', async () => {
  const { code, sessions } = await signalled({ signals: ['SIGINT', 'SIGTERM'], notes: false });
  expect(sessions).toHaveLength(1);
  expect(code).toBe(75);
});
