/**
 * The real @discordjs/voice, in a process that trusts the emulator's authority, against the voice gateway: it becomes
 * ready, plays, and comes back.
 */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EmulatorStatus } from '../../src/admin/status.js';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';

leakGuard({ beforeEach, afterEach });

const program = fileURLToPath(new URL('bots/music.mjs', import.meta.url));

type Said = { kind: string; status?: string; closeCode?: number; problem?: string };

let gateway: GatewayEmulator;
let bot: ChildProcess;
let ended: Promise<unknown>;
const said: Said[] = [];

beforeEach(async () => {
  said.length = 0;
  gateway = await startGatewayEmulator({ guilds: 1, tls: true });
  const env = { NODE_EXTRA_CA_CERTS: gateway.ca?.path, EMULATOR_API: gateway.apiUrl, EMULATOR_TOKEN: gateway.token };
  bot = fork(program, { env: { ...process.env, ...env }, silent: true });
  bot.on('message', (message) => said.push(message as Said));
  bot.stderr?.setEncoding('utf8').on('data', (problem: string) => said.push({ kind: 'stderr', problem }));
  ended = new Promise((resolve) => bot.once('close', resolve));
  await heard('ready', ({ kind }) => kind === 'ready');
});
afterEach(async () => {
  bot.kill('SIGKILL');
  await ended;
  await gateway.close();
});

const guild = () => gateway.world.guildAt(0);
const channel = (index: number): string => guild().voiceChannelIds()[index] ?? '';
const order = (name: string, more: object = {}): void => {
  bot.send({ order: name, guildId: guild().id, ...more });
};
/** Each state it was in, once: the library tells changes within one, too. */
const states = (): string[] =>
  said
    .flatMap(({ kind, status }) => (kind === 'state' && status !== undefined ? [status] : []))
    .filter((status, index, all) => status !== all[index - 1]);
/** Warnings of Node about the library's own timers are on stderr, and no problem of ours. */
const problems = (): Said[] => said.filter(({ kind }) => kind === 'error');

function heard(what: string, matches: (one: Said) => boolean, since = 0): Promise<unknown> {
  const holds = (): boolean => said.slice(since).some(matches);
  return until(holds, { what: `${what}; the bot said ${JSON.stringify(said)}`, timeoutMs: 20_000 });
}

const becomes = (status: string, since = 0): Promise<unknown> =>
  heard(`the connection to be ${status}`, (one) => one.kind === 'state' && one.status === status, since);

const voice = (): EmulatorStatus['voice'] => gateway.admin.status().voice;

/** Joins the first channel and plays until packets come. */
async function playing(frames: number): Promise<void> {
  order('join', { channelId: channel(0) });
  await becomes('ready');
  order('play', { count: frames });
  await until(() => (voice()[0]?.server?.packets ?? 0) >= 3, { what: 'voice packets', timeoutMs: 10_000 });
}

describe('@discordjs/voice', () => {
  test('becomes ready and plays, and its packets arrive', async () => {
    await playing(50);
    expect(states()).toEqual(['connecting', 'ready']);
    const [state] = voice();
    expect(state).toMatchObject({
      guildId: guild().id,
      channelId: channel(0),
      server: { state: 'ready', mode: 'aead_aes256_gcm_rtpsize', speaking: true, version: 4 },
    });
    await heard('the end of it', ({ kind, status }) => kind === 'player' && status === 'idle');
    const { packets = 0, bytes = 0 } = voice()[0]?.server ?? {};
    expect(packets).toBeGreaterThan(40);
    // A header, a frame of three bytes, its tag, its nonce: nothing was sent in the clear.
    expect(bytes).toBe(packets * (12 + 3 + 16 + 4));
    expect(problems()).toEqual([]);
  });

  test('resumes when its socket is cut, and when the server says it crashed', async () => {
    await playing(2_000);
    for (const code of [null, 4015]) {
      const since = said.length;
      const before = voice()[0]?.server?.packets ?? 0;
      expect(gateway.admin.dropVoice({ code })).toBe(1);
      const again = (): boolean =>
        voice()[0]?.server?.state === 'ready' && (voice()[0]?.server?.packets ?? 0) > before + 5;
      await until(again, { what: `packets after ${code}; the bot said ${JSON.stringify(said)}`, timeoutMs: 10_000 });
      expect(said.slice(since).filter(({ kind }) => kind === 'error')).toEqual([]);
    }
    expect(voice()).toMatchObject([{ server: { resumes: 2 } }]);
  });

  test('connects anew when it joins another channel, and the same one again', async () => {
    order('join', { channelId: channel(0) });
    await becomes('ready');
    let since = said.length;
    order('join', { channelId: channel(1) });
    await becomes('ready', since);
    expect(voice()).toMatchObject([{ channelId: channel(1), server: { state: 'ready' } }]);
    since = said.length;
    order('rejoin');
    await becomes('ready', since);
    expect(voice()).toMatchObject([{ channelId: channel(1), server: { state: 'ready' } }]);
  });

  test('is disconnected with 4014 when its gateway session ends, and told so', async () => {
    order('join', { channelId: channel(0) });
    await becomes('ready');
    gateway.admin.dropVoice({ code: 4014 });
    await heard('4014', ({ kind, closeCode }) => kind === 'state' && closeCode === 4014);
    expect(states().at(-1)).toBe('disconnected');
  });

  test('leaves, and the server knows nothing of it any more', async () => {
    order('join', { channelId: channel(0) });
    await becomes('ready');
    order('leave');
    await becomes('destroyed');
    await until(() => voice().length === 0, { what: 'the bot to have left' });
    expect(problems()).toEqual([]);
  });
});
