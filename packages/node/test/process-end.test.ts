/**
 * How the process of a node ends that was told to shut down, with real processes. In 0.1.0 it was ended on the spot:
 * listeners of SIGTERM and `beforeExit` never ran, nor what followed `await node.closed`, and commands whose promise
 * nobody knew of "thought" for ever.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { tcpTransport } from '@dshard/transport';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeOrchestrator } from './fake-orchestrator.js';

leakGuard({ beforeEach, afterEach });

const NODE = fileURLToPath(new URL('../dist/index.js', import.meta.url));

/** A bot with a host that does nothing. @param extra what else it does before it starts. */
const botOf = (extra: string): string => `
  import { createNode } from ${JSON.stringify(NODE)};
  const say = (text) => process.stdout.write(text + '\\n');
  const nothing = async () => null;
  const host = { startShards: nothing, resumeShard: nothing, stopShard: nothing, freeze: nothing };
  const node = createNode({ host, lingerMs: 0 });
  process.once('beforeExit', () => say('beforeExit'));
  node.onShutdown(() => say('hook'));
  void node.closed.then(async () => { say('closed'); await null; say('after closed'); });
  ${extra}
  await node.start();
`;

/** Runs it, tells it to shut down, and sends SIGTERM when it has hung up, if a launcher is to. */
async function shutDown(extra: string, { launcher }: { launcher: boolean }) {
  const orchestrator = new FakeOrchestrator();
  const address = await orchestrator.listen(tcpTransport(), '127.0.0.1:0');
  const env = { ...process.env, DSO_ORCHESTRATOR: address, DSO_NODE_ID: 'web-1' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', botOf(extra)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  await until(() => orchestrator.peers[0]?.of('identify').length === 1, { what: 'its node to connect' });
  orchestrator.peer.send({ kind: 'shutdown', final: false, sessions: [] });
  await until(() => orchestrator.peer.closed, { what: 'its node to hang up' });
  // The launcher's signal comes a while after the connection is closed.
  await until(() => said.includes('after closed'), { what: 'the bot to go on after its node' });
  if (launcher) child.kill('SIGTERM');
  const end = await ended;
  await orchestrator.close();
  return { end, lines: said.trim().split('\n') };
}

const CLEAN = { code: 0, signal: null };

test('a process ends by itself as soon as nothing is left to do', async () => {
  const { end, lines } = await shutDown('', { launcher: false });
  expect(end).toEqual(CLEAN);
  expect(lines).toEqual(['hook', 'closed', 'after closed', 'beforeExit']);
});

test('SIGTERM alone does not cut short what a process is at: a command that nobody waits for answers', async () => {
  const command = `node.onShutdown(() => void setTimeout(() => say('answered'), 300));`;
  const { end, lines } = await shutDown(command, { launcher: true });
  expect(end).toEqual(CLEAN);
  expect(lines.slice(-2)).toEqual(['answered', 'beforeExit']);
});

test('the bot’s own SIGTERM listeners run, and the process stays until the launcher sends the signal', async () => {
  const { end, lines } = await shutDown(`process.on('SIGTERM', () => say('SIGTERM'));`, { launcher: true });
  expect(end).toEqual(CLEAN);
  expect(lines).toEqual(['hook', 'closed', 'after closed', 'SIGTERM', 'beforeExit']);
});

test('a process that has something left to do for ever is ended also without a launcher that ends it', async () => {
  const { end, lines } = await shutDown(`setInterval(() => undefined, 1_000);`, { launcher: false });
  expect(end).toEqual(CLEAN);
  expect(lines).toEqual(['hook', 'closed', 'after closed']);
});
