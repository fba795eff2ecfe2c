/** Real nodes and a real orchestrator over real sockets, with a stranger on the way or at the port. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveConfig } from '@dshard/api/config';
import { createNode } from '@dshard/node';
import type { NodeOptions } from '@dshard/node';
import { startOrchestrator } from '@dshard/orchestrator';
import { decodeMessage, encodeMessage, FrameReader, MAX_BODY_BYTES } from '@dshard/protocol';
import type { Message } from '@dshard/protocol';
import { leakGuard, until } from '@dshard/testkit';
import { parseAddress, readTokenFile, silentLogger } from '@dshard/transport';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

leakGuard({ beforeEach, afterEach });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const QUIET_BOT = fileURLToPath(new URL('bots/quiet-bot.js', import.meta.url));
const TOKEN = '00112233445566778899aabbccddeeff';

/** Settings by key, as on the command line. */
async function orchestrated(settings: Record<string, unknown>) {
  const directory = mkdtempSync(join(tmpdir(), 'dso-trust-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const all = {
    totalShards: 2,
    skipStartupGraceMaxShards: 10,
    'discord.identifyWindow': 10,
    listen: '127.0.0.1:0',
    'http.enabled': false,
    'store.kind': 'memory',
    'launcher.dataDir': directory,
    ...settings,
  };
  const flags = Object.entries(all).map(([key, written]) => ({ key, written, flag: key }));
  const config = resolveConfig({ flags, cwd: directory });
  const started = await startOrchestrator(config, { logger: silentLogger });
  cleanups.push(() => started.close('leave'));
  return { ...started, config, directory };
}

async function noded(orchestrator: string, options: Partial<NodeOptions>) {
  const running = new Set<number>();
  const logged: string[] = [];
  const log = (_: unknown, text: string): void => void logged.push(text);
  const session = { sessionId: 's', sequence: 1, resumeGatewayUrl: '' };
  const node = createNode({
    host: {
      startShards: async (shardIds: readonly number[]) => shardIds.forEach((shard) => running.add(shard)),
      resumeShard: async (shard: number) => void running.add(shard),
      stopShard: async (shard: number) => (running.delete(shard) ? session : null),
      freeze: async () => session,
    },
    orchestrator,
    logger: { debug: log, info: log, warn: log, error: log },
    lingerMs: 0,
    limits: { refusedRetryMs: 50, backoffMaxMs: 200 },
    ...options,
  });
  cleanups.push(() => node.close());
  await node.start();
  return { node, running, logged };
}

/** Passes on what both ends say, and changes messages of the node on the way. */
async function middle(target: string, change: (message: Message) => Message): Promise<string> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((client) => {
    const orchestrator = createConnection(parseAddress(target));
    const frames = new FrameReader(MAX_BODY_BYTES);
    for (const [one, other] of [
      [client, orchestrator],
      [orchestrator, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    orchestrator.on('data', (bytes) => client.write(bytes));
    client.on('data', (bytes) => {
      frames.push(bytes);
      for (let frame = frames.next(); frame !== null; frame = frames.next()) {
        orchestrator.write(encodeMessage(change(decodeMessage(frame.eventId, frame.body))));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function withoutCapability(name: string): (message: Message) => Message {
  return (message) =>
    message.kind === 'identify'
      ? { ...message, capabilities: message.capabilities.filter((capability) => capability !== name) }
      : message;
}

/** Makes a node one of the base level, so that nobody asks it for anything. */
function stripped(message: Message): Message {
  if (message.kind !== 'identify') return message;
  const { totalShards, runningShards, version, nodeId, logicVersion } = message;
  const base = { totalShards, runningShards, version, nodeId, logicVersion };
  return { kind: 'identify', ...base, capabilities: [], host: null, pid: null, heldSessions: [] };
}

describe('a node and an orchestrator', () => {
  test('with one token find each other, and the node gets its shards', async () => {
    const { address } = await orchestrated({ token: TOKEN });
    const { running } = await noded(address, { token: TOKEN });
    await until(() => running.size === 2, { what: 'both shards' });
  });

  test.each<[string, Record<string, unknown>, Partial<NodeOptions>, RegExp, string]>([
    ['two tokens', { token: TOKEN }, { token: `${TOKEN}0` }, /_UNPROVEN.*another token/u, 'DSO_CHALLENGE_UNANSWERED'],
    ['a token at the orchestrator only', { token: TOKEN }, {}, /TOKEN_REFUSED.*Set DSO_TOKEN/u, 'DSO_TOKEN_REFUSED'],
    ['a token at the node only', { tokenless: true }, { token: TOKEN }, /TOKEN_UNKNOWN.*or none/u, 'DSO_TOKEN_UNKNOWN'],
  ])('with %s refuse each other, and both say what to do', async (_, settings, options, sentence, code) => {
    const { address, orchestrator } = await orchestrated(settings);
    const { logged, running } = await noded(address, options);
    await until(() => logged.some((text) => sentence.test(text)), { what: 'the sentence' });
    const codes = () => orchestrator.history().map(({ fields }) => fields['code']);
    await until(() => codes().includes(code), { what: code });
    expect(running.size).toBe(0);
    expect(orchestrator.state.nodes.size).toBe(0);
  });
});

describe('a stranger on the way', () => {
  test.each<[string, (message: Message) => Message]>([
    ['takes the proof out of the capabilities', withoutCapability('auth-hmac')],
    ['takes any other capability out', withoutCapability('epochs')],
    [
      'takes the nonce out',
      (message) => {
        if (message.kind !== 'identify') return message;
        const { nonce: _, ...rest } = message;
        return rest;
      },
    ],
    ['makes the node one of the base level', stripped],
    [
      'changes what the node proved',
      (message) =>
        message.kind === 'proof'
          ? { ...message, identify: Uint8Array.from(message.identify, (byte, at) => (at === 9 ? byte ^ 1 : byte)) }
          : message,
    ],
  ])('that %s gets nothing from it, not even where base-level nodes are allowed', async (_, change) => {
    const { address, orchestrator } = await orchestrated({ token: TOKEN, allowBaseLevelPeers: true });
    const { node, running, logged } = await noded(await middle(address, change), { token: TOKEN, nodeId: 'bot-1' });
    await until(() => logged.some((text) => /refuse/u.test(text)), { what: 'a refusal' });
    await until(
      () => orchestrator.history().some(({ level }) => level === 'warn') || orchestrator.state.nodes.size > 0,
      {
        what: 'something to see at the orchestrator',
      },
    );
    expect(node.status.kind).not.toBe('established');
    expect(running.size).toBe(0);
  });
});

describe('where nobody chose a token', () => {
  test('the orchestrator makes one, for its user only, and keeps it from run to run', async () => {
    const { address, orchestrator, config, directory } = await orchestrated({});
    expect(config.ownTokenFile).toBe(join(directory, 'token'));
    expect(statSync(join(directory, 'token')).mode & 0o777).toBe(0o600);
    const token = readTokenFile(join(directory, 'token'));
    expect(token).toMatch(/^[0-9a-f]{64}$/u);

    const stranger = await noded(address, {});
    await until(() => stranger.logged.some((text) => text.includes('.dso/token')), { what: 'the way out' });
    expect(orchestrator.state.nodes.size).toBe(0);
    const { running } = await noded(address, { token });
    await until(() => running.size === 2, { what: 'both shards' });

    await orchestrated({ 'launcher.dataDir': directory });
    expect(readTokenFile(join(directory, 'token'))).toBe(token);
  });

  test('a bot that is started by hand in the same folder joins with nothing set; one of elsewhere does not', async () => {
    const { address, orchestrator, directory } = await orchestrated({ 'launcher.dataDir': '.dso' });
    const elsewhere = mkdtempSync(join(tmpdir(), 'dso-trust-'));
    cleanups.push(() => rmSync(elsewhere, { recursive: true, force: true }));
    for (const [nodeId, cwd] of [
      ['here', directory],
      ['elsewhere', elsewhere],
    ] as const) {
      const env = { DSO_ORCHESTRATOR: address, DSO_NODE_ID: nodeId };
      const bot = spawn(process.execPath, [QUIET_BOT], { cwd, env, stdio: 'ignore' });
      const ended = once(bot, 'exit');
      cleanups.push(() => (bot.kill('SIGKILL'), ended));
    }
    await until(() => orchestrator.state.nodes.has('here'), { what: 'the node of here' });
    const refused = () => orchestrator.history().filter(({ fields }) => fields['code'] === 'DSO_TOKEN_REFUSED');
    await until(() => refused().some(({ fields }) => fields['node'] === 'elsewhere'), { what: 'a refusal' });
    expect([...orchestrator.state.nodes.keys()]).toEqual(['here']);
  });

  test('tokenless lets every process of this machine in, and says so', async () => {
    const { address, config } = await orchestrated({ tokenless: true });
    expect(config.ownTokenFile).toBeNull();
    expect(config.warnings).toContainEqual(expect.stringContaining('every process on this machine'));
    const { running } = await noded(address, {});
    await until(() => running.size === 2, { what: 'both shards' });
  });
});
