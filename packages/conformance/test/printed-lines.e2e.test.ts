/** What `dso-gateway` prints is run as it stands, by each library, against the `dso-gateway` that printed it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { fileURLToPath } from 'node:url';
import { runProgram } from '@dshard/gateway-emulator/program';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { libraryNames } from '../src/libraries.js';

leakGuard({ beforeEach, afterEach });

const here = fileURLToPath(new URL('.', import.meta.url));

type Program = { greeting: string; http: string; caPath: string | null; stop: () => Promise<void> };

async function startProgram(...flags: string[]): Promise<Program> {
  const out: string[] = [];
  let stop = (): void => undefined;
  const ended = runProgram(['--port', '0', ...flags], {
    out: (line) => out.push(line),
    err: (line) => out.push(line),
    untilStopped: () => new Promise((resolve) => (stop = resolve)),
  });
  await until(() => out.length > 0, { what: 'the greeting' });
  const greeting = out.join('\n');
  const http = /admin +(https?:\S+)\/emulator /.exec(greeting)?.[1] ?? '';
  const caPath = /NODE_EXTRA_CA_CERTS=(\S+),/.exec(greeting)?.[1] ?? null;
  return {
    greeting,
    http,
    caPath,
    stop: async () => {
      stop();
      expect(await ended).toBe(0);
    },
  };
}

/** The lines below a library's name, up to the empty line. */
function printedLines(greeting: string, library: string): string[] {
  const lines = greeting.split('\n');
  const first = lines.indexOf(`  ${library}`) + 1;
  expect(first).toBeGreaterThan(0);
  return lines.slice(first, lines.indexOf('', first)).map((line) => line.trim());
}

function runBot(code: string, env: Record<string, string> = {}): { output: string[]; stop: () => Promise<void> } {
  const output: string[] = [];
  const bot = spawn(process.execPath, ['--input-type=module', '-'], {
    cwd: here,
    env: { ...process.env, ...env },
  });
  for (const stream of [bot.stdout, bot.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const ended = new Promise((resolve) => bot.once('close', resolve));
  bot.stdin.end(code);
  return {
    output,
    stop: async () => {
      bot.kill('SIGKILL');
      await ended;
    },
  };
}

async function call(url: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    headers: { connection: 'close' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return (await response.json()) as Record<string, unknown>;
}

/** Of a server whose authority this process does not trust by itself. */
function callTls(url: string, ca: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve(JSON.parse(text)));
    });
    asked.once('error', reject).end();
  });
}

describe('the lines that dso-gateway prints', () => {
  test.each(libraryNames)('start %s', async (library) => {
    const program = await startProgram('--shards', '2', '--guilds', '6', '--hello-delay', '100');
    const bot = runBot(printedLines(program.greeting, library).join('\n'));
    try {
      const attached = async (): Promise<boolean> => {
        const { sessions } = (await call(`${program.http}/emulator/status`)) as { sessions: { attached: boolean }[] };
        return sessions.filter((session) => session.attached).length === 2;
      };
      await until(attached, { what: `two shards of ${library}: ${bot.output.join('')}`, timeoutMs: 30_000 });
    } finally {
      await bot.stop();
      await program.stop();
    }
  });

  test.each(libraryNames)('start %s over TLS, which trusts the authority that is named to it', async (library) => {
    const program = await startProgram('--shards', '2', '--guilds', '6', '--hello-delay', '100', '--tls');
    const { caPath, http } = program;
    const env = { NODE_EXTRA_CA_CERTS: caPath ?? '' };
    const bot = runBot(printedLines(program.greeting, library).join('\n'), env);
    try {
      const ca = readFileSync(caPath ?? '', 'utf8');
      const attached = async (): Promise<boolean> => {
        const { sessions } = (await callTls(`${http}/emulator/status`, ca)) as { sessions: { attached: boolean }[] };
        return sessions.filter((session) => session.attached).length === 2;
      };
      await until(attached, { what: `two shards of ${library}: ${bot.output.join('')}`, timeoutMs: 30_000 });
    } finally {
      await bot.stop();
      await program.stop();
    }
    expect(existsSync(caPath ?? '')).toBe(false);
  });

  test('make a discord.js bot that answers a message and a command of the admin interface', async () => {
    const program = await startProgram('--guilds', '2000', '--shards', '16', '--rate', '500');
    const lines = printedLines(program.greeting, 'discord.js');
    const answers = `
      client.on('messageCreate', (message) => message.content === '!ping' && message.reply('pong'));
      client.on('interactionCreate', (interaction) => interaction.reply('pong, ' + interaction.options.getString('who')));
      client.once('clientReady', () => client.application.commands.set([{ name: 'ping', description: 'Answers',
        options: [{ name: 'who', description: 'Whom', type: 3 }] }]));
    `;
    const bot = runBot([...lines.slice(0, -1), answers, ...lines.slice(-1)].join('\n'));
    try {
      // Refused until the bot has registered its command, which it does when all of its shards are there.
      const command = { name: 'ping', options: { who: 'you' } };
      const use = async (): Promise<unknown> =>
        (await call(`${program.http}/emulator/command`, command))['interactionId'];
      const interactionId = await until(use, { what: 'the command', timeoutMs: 35_000 });
      const said = await call(`${program.http}/emulator/say`, { content: '!ping' });
      const posted = async (): Promise<Record<string, unknown>[]> => {
        const answer = await call(`${program.http}/emulator/posted?kind=message`);
        return answer['posted'] as Record<string, unknown>[];
      };
      await until(async () => (await posted()).length === 2, {
        what: `two answers: ${bot.output.join('')}`,
        timeoutMs: 10_000,
      });
      const actions = await posted();
      expect(actions.find((action) => action['interactionId'] === interactionId)).toMatchObject({
        message: { content: 'pong, you' },
      });
      expect(actions.find((action) => action['interactionId'] === undefined)).toMatchObject({
        channelId: said['channel_id'],
        message: { content: 'pong', message_reference: { message_id: said['id'] } },
      });
    } finally {
      await bot.stop();
      await program.stop();
    }
  });
});
