/**
 * The emulator, which plays Discord: bad frames at its gateway, before and after IDENTIFY, and bad requests at its REST
 * interface, while an honest bot is connected and stays connected.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort, waitFor } from '@dshard/demo';
import { systemClock } from '@dshard/transport';
import { Client, GatewayIntentBits, Status } from 'discord.js';
import type { Dice } from '../input/dice.js';
import { figuresOf, type Figures } from '../behind/process-figures.js';
import { problemOf, sayTo } from '../input/raw-http.js';
import { textFrame, upgraded } from '../input/raw-websocket.js';
import type { Door } from './door.js';

const PROGRAM = fileURLToPath(new URL('../../../gateway-emulator/bin/dso-gateway.js', import.meta.url));
const TOKEN = 'NjYxNzIwMjQyNTgxNDA1Njk2.emulator.not-a-secret';
const START_TIMEOUT_MS = 20_000;
const SETTLE_TIMEOUT_MS = 30_000;
const SPARE_DESCRIPTORS = 4;
const SPARE_MEGABYTES = 160;
const IDENTIFY = {
  op: 2,
  d: { token: TOKEN, intents: 513, shard: [1, 2], properties: { os: 'x', browser: 'x', device: 'x' } },
};
const PAYLOADS: readonly object[] = [
  IDENTIFY,
  { op: 1, d: 5 },
  { op: 3, d: { since: 0, activities: [{ name: 'x', type: 0 }], status: 'online', afk: false } },
  { op: 4, d: { guild_id: '1', channel_id: null, self_mute: false, self_deaf: false } },
  { op: 6, d: { token: TOKEN, session_id: 'x', seq: 4 } },
  { op: 8, d: { guild_id: '1', query: '', limit: 0, nonce: 'n' } },
  { op: 31, d: { guild_ids: ['1'] } },
];
const PATHS = ['/users/@me', '/gateway/bot', '/channels/1/messages', '/applications/@me', '/webhooks/1/x', '/guilds/1'];

export const emulator: Door = {
  name: 'emulator',
  share: 11,
  async open() {
    const clock = systemClock();
    const port = await freePort(0);
    const address = `127.0.0.1:${port}`;
    const child = spawn(process.execPath, [PROGRAM, '--port', String(port), '--shards', '2', '--rate', '20'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const intents = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages];
    const bot = new Client({ intents, shards: [0], shardCount: 2, rest: { api: `http://${address}/api` } });
    let heard = 0;
    bot.on('messageCreate', () => (heard += 1));
    await waitFor(clock, 'the emulator', START_TIMEOUT_MS, () => isUp(address));
    await bot.login(TOKEN);
    await waitFor(clock, 'the first message', START_TIMEOUT_MS, () => heard > 0);
    const sessions: (string | null)[] = [];
    bot.on('shardReady', () => sessions.push('another session'));
    bot.on('shardResume', () => sessions.push('a new connection'));
    const before = figuresOf(child.pid ?? 0);

    const check = async (): Promise<string | null> => {
      if (child.exitCode !== null || child.signalCode !== null) return 'the emulator has died';
      if (sessions.length > 0) return `the honest bot has ${sessions.join(', ')}`;
      if (bot.ws.status !== Status.Ready) return 'the honest bot has lost its connection';
      const heardBefore = heard;
      return waitFor(clock, 'a message for the honest bot', START_TIMEOUT_MS, () => heard > heardBefore).then(
        () => null,
        () => 'the honest bot hears nothing any more',
      );
    };
    return {
      input(dice) {
        const isRequest = dice.chance(0.35);
        const bytes = Buffer.from(isRequest ? request(dice) : '', 'latin1');
        if (isRequest) return { what: 'a request', bytes, mutated: false };
        const identified = dice.chance(0.5);
        return { what: identified ? 'a frame of a bot' : 'a frame', bytes: frame(dice), mutated: identified };
      },
      async throwIn({ what, bytes }) {
        if (what === 'a request') return problemOf(await sayTo(address, bytes));
        const socket = await upgraded(address, '/?v=10&encoding=json');
        if (socket === null) return 'the gateway does not answer';
        if (what === 'a frame of a bot') socket.write(textFrame(JSON.stringify(IDENTIFY)));
        socket.write(bytes);
        socket.destroySoon();
        return null;
      },
      check,
      async settled() {
        const excess = (): string | null => excessOf(before, figuresOf(child.pid ?? 0));
        await waitFor(clock, 'memory and descriptors', SETTLE_TIMEOUT_MS, () => excess() === null).catch(
          () => undefined,
        );
        return excess() ?? check();
      },
      async close() {
        await bot.destroy();
        await ended(child);
      },
    };
  },
};

async function isUp(address: string): Promise<boolean> {
  return (await sayTo(address, Buffer.from('GET /ledger HTTP/1.1\r\nhost: localhost\r\n\r\n'))) !== '';
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function excessOf(before: Figures | null, now: Figures | null): string | null {
  if (before === null || now === null) return 'the emulator has died';
  const descriptors = now.descriptors - before.descriptors;
  if (descriptors > SPARE_DESCRIPTORS) return `the emulator has kept ${descriptors} descriptors`;
  const megabytes = now.megabytes - before.megabytes;
  return megabytes > SPARE_MEGABYTES ? `the emulator has kept ${megabytes} MB` : null;
}

/** What an admin may ask for is obeyed; so these are requests of Discord's REST interface, and of nobody's. */
function request(dice: Dice): string {
  const body = dice.chance(0.5) ? JSON.stringify(dice.value()) : dice.text();
  const method = dice.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
  const odd = dice.inUrl();
  const path = dice.chance(0.7) ? `/api/v10${dice.pick(PATHS).replace('1', odd)}` : `/${odd}`;
  const bytes = Buffer.from(body);
  return [
    `${method} ${path} HTTP/1.1`,
    'host: localhost',
    `authorization: Bot ${dice.pick([TOKEN, 'wrong', ''])}`,
    `content-type: ${dice.pick(['application/json', 'multipart/form-data; boundary=x', 'text/plain'])}`,
    `content-length: ${bytes.length}`,
    'connection: close',
    `\r\n${bytes.toString('latin1')}`,
  ].join('\r\n');
}

function frame(dice: Dice): Buffer {
  const payload = structuredClone(dice.pick(PAYLOADS)) as Record<string, unknown>;
  const data = (payload['d'] ?? {}) as Record<string, unknown>;
  switch (dice.below(6)) {
    case 0:
      return Buffer.from(dice.bytes(dice.below(200)));
    case 1: {
      const bytes = textFrame(JSON.stringify(payload));
      for (let count = dice.below(4) + 1; count > 0; count -= 1) bytes[dice.below(bytes.length)] = dice.below(256);
      return bytes;
    }
    case 2:
      return textFrame(JSON.stringify(payload).slice(0, dice.below(60)));
    case 3:
      payload['op'] = dice.value();
      return textFrame(JSON.stringify(payload));
    case 4:
      payload['d'] = dice.value();
      return textFrame(JSON.stringify(payload));
    default:
      if (typeof data === 'object') data[dice.pick([...Object.keys(data), 'extra'])] = dice.value();
      return textFrame(JSON.stringify(payload));
  }
}
