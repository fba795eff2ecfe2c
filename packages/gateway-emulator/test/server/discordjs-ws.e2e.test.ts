/** The real @discordjs/ws, as it comes from the registry, against the emulator. */
import type { RESTOptions } from '@discordjs/rest';
import { REST } from '@discordjs/rest';
import type { SessionInfo } from '@discordjs/ws';
import { CompressionMethod, WebSocketManager } from '@discordjs/ws';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import type { EmulatorOptions } from '../../src/options.js';

leakGuard({ beforeEach, afterEach });

class Bot {
  readonly manager: WebSocketManager;
  readonly sessions = new Map<number, SessionInfo>();
  readonly seen: string[] = [];
  readonly #gateway: GatewayEmulator;

  constructor(gateway: GatewayEmulator, { compress, paced }: { compress: boolean; paced: boolean }) {
    this.#gateway = gateway;
    const { token } = gateway;
    this.manager = new WebSocketManager({
      token,
      intents: 1 | 512,
      rest: new REST({ api: gateway.apiUrl, makeRequest: fetchWithoutKeepAlive }).setToken(token),
      compression: compress ? CompressionMethod.ZlibNative : null,
      // The stock throttler waits five to six seconds before it identifies the same key again.
      ...(paced ? {} : { buildIdentifyThrottler: () => ({ waitForIdentify: () => Promise.resolve() }) }),
      retrieveSessionInfo: (shard) => this.sessions.get(shard) ?? null,
      updateSessionInfo: (shard, session) => {
        if (session === null) this.sessions.delete(shard);
        else this.sessions.set(shard, session);
      },
    });
    this.manager.on('error', () => undefined);
    this.manager.on('socketError', () => undefined);
    this.manager.on('resumed', (shard) => this.seen.push(`resumed ${shard}`));
    this.manager.on('ready', (_data, shard) => this.seen.push(`ready ${shard}`));
    this.manager.on('dispatch', (payload, shard) => {
      if (payload.t !== 'MESSAGE_CREATE') return;
      const event = { shard, s: payload.s, id: payload.d.id, t: payload.t, at: performance.now() };
      gateway.ledger.handled({ node: 'bot', events: [event] });
    });
  }

  untilSeen(what: string, times = 1): Promise<unknown> {
    return until(() => this.seen.filter((line) => line === what).length >= times, { what, timeoutMs: 10_000 });
  }

  /** Stops the traffic and waits until everything was handled. */
  async settle(): Promise<void> {
    this.#gateway.traffic.stop();
    await until(() => this.#gateway.ledger.outstanding().total === 0, { what: 'every event to be handled' });
  }
}

/** Undici's connection pool would outlive the test. */
const fetchWithoutKeepAlive: RESTOptions['makeRequest'] = async (url, init) => {
  const headers = { ...(init.headers as Record<string, string>), connection: 'close' };
  return fetch(url, { method: init.method ?? 'GET', headers });
};

let gateway: GatewayEmulator;
let bot: Bot;

async function start(options: EmulatorOptions = {}, { compress = false, paced = true } = {}): Promise<void> {
  gateway = await startGatewayEmulator({ shards: 4, maxConcurrency: 4, rate: 200, ...options });
  bot = new Bot(gateway, { compress, paced });
  await bot.manager.connect();
}

afterEach(async () => {
  await bot.manager.destroy({ code: 4200 });
  await gateway.close();
});

describe.each([
  ['plain', false],
  ['with zlib-stream', true],
])('a bot on @discordjs/ws, %s,', (_name, compress) => {
  test('identifies its shards, gets every message, and resumes with replay after its sockets were cut', async () => {
    await start({}, { compress });
    expect(bot.seen.toSorted()).toEqual(['ready 0', 'ready 1', 'ready 2', 'ready 3']);
    await until(() => gateway.ledger.verdict().handled > 20, { what: 'messages' });
    expect(gateway.admin.drop()).toBe(4);
    for (const shard of [0, 1, 2, 3]) await bot.untilSeen(`resumed ${shard}`);
    await bot.settle();
    const verdict = gateway.ledger.verdict();
    expect(verdict).toMatchObject({ clean: true, identifies: { used: 4, inWrongWindow: 0 } });
    expect(verdict.gaps).toHaveLength(4);
    expect(gateway.ledger.sessions().every((session) => session.replayed > 0)).toBe(true);
  });
});

describe('@discordjs/ws', () => {
  test('follows op 7 and resumes', async () => {
    await start();
    gateway.admin.reconnect({ shards: [2] });
    await bot.untilSeen('resumed 2');
    await bot.settle();
    expect(gateway.ledger.verdict()).toMatchObject({ clean: true, identifies: { used: 4 } });
  });

  test('resumes on the same socket after op 9 true', async () => {
    await start();
    // What comes in one go with the op 9 is handed over, and then replayed again: the library reads the sequence to
    // resume from too early.
    await bot.settle();
    gateway.admin.invalidate({ shards: [1] }, { resumable: true });
    gateway.traffic.burst(40);
    await bot.untilSeen('resumed 1');
    await bot.settle();
    expect(gateway.ledger.verdict()).toMatchObject({ clean: true, identifies: { used: 4 } });
  });

  test('identifies anew after op 9 false; what came meanwhile is missed, and the ledger says so', async () => {
    await start({ rate: 0, identifyWindowMs: 100 }, { paced: false });
    gateway.admin.invalidate({ shards: [0] });
    gateway.traffic.burst(100);
    await bot.untilSeen('ready 0', 2);
    await bot.settle();
    const verdict = gateway.ledger.verdict();
    expect(verdict).toMatchObject({ lost: 0, missed: 25, clean: false, identifies: { used: 5, inWrongWindow: 0 } });
    expect(verdict.violations).toEqual([]);
  });

  test('gets over a dead resume host: unmodified, by identifying on the generic one', async () => {
    await start({ identifyWindowMs: 100 }, { paced: false });
    await gateway.admin.setResumeHost('refuse');
    gateway.admin.drop({ shards: [3] });
    await bot.untilSeen('ready 3', 2);
    expect(gateway.ledger.verdict().identifies.used).toBe(5);
  });

  test('whose RESUMEs are refused identifies anew', async () => {
    await start({ identifyWindowMs: 100, rate: 0 }, { paced: false });
    gateway.admin.answerResumes('refuse', { shards: [2] });
    gateway.admin.drop({ shards: [1, 2] });
    await Promise.all([bot.untilSeen('resumed 1'), bot.untilSeen('ready 2', 2)]);
    expect(gateway.ledger.verdict().identifies.used).toBe(5);
  });

  test('comes back by RESUME, and misses nothing, when the gateway was away for a while', async () => {
    await start({ rate: 0 });
    await gateway.admin.takeGatewayAway();
    gateway.traffic.burst(100);
    await until(() => gateway.admin.status().sessions.every(({ attached }) => !attached), { what: 'the absence' });
    await gateway.admin.bringGatewayBack();
    for (const shard of [0, 1, 2, 3]) await bot.untilSeen(`resumed ${shard}`);
    await bot.settle();
    expect(gateway.ledger.verdict()).toMatchObject({ clean: true, emitted: 100, identifies: { used: 4 } });
  });

  test('whose RESUME is never answered goes on waiting, and so does its session', async () => {
    await start({ rate: 0 });
    gateway.admin.answerResumes('never', { shards: [3] });
    gateway.admin.drop();
    for (const shard of [0, 1, 2]) await bot.untilSeen(`resumed ${shard}`);
    await until(() => gateway.admin.status().sockets === 4, { what: 'the socket of shard 3' });
    expect(bot.seen).not.toContain('resumed 3');
    expect(gateway.admin.status().sessions.find(({ shard }) => shard === 3)).toMatchObject({ attached: false });
    expect(gateway.ledger.verdict().identifies.used).toBe(4);
  });

  test('whose session has expired is sent to IDENTIFY', async () => {
    await start({ identifyWindowMs: 100, rate: 0 }, { paced: false });
    gateway.admin.expire({ shards: [2] });
    await bot.untilSeen('ready 2', 2);
    expect(gateway.ledger.verdict().identifies.used).toBe(5);
  });
});
