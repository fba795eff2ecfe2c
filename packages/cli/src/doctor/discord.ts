/** What `dso doctor` asks Discord, or the emulator: the token, session starts, intents, the gateway and its clock. */
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { randomBytes } from 'node:crypto';
import type { ResolvedConfig } from '@dshard/api/config';
import { counted, messageOf } from '@dshard/protocol';
import { proxyFor, type Clock } from '@dshard/transport';
import { shortSpan } from '../output/times.js';
import { fail, ok, skip, warn, type Check } from './check.js';

const TIMEOUT_MS = 8_000;
const MAX_ANSWER_CHARACTERS = 256 * 1024;
const SKEW_MS = 2_000;
const GREAT_SKEW_MS = 30_000;

type Answered = { status: number; body: unknown; date: number | null; sentAt: number; gotAt: number };

export async function discordChecks({ discord, launcher }: ResolvedConfig, clock: Clock): Promise<readonly Check[]> {
  const { api } = discord;
  const isDiscord = /^https:\/\/([a-z]+\.)?discord(app)?\.com\//.test(api);
  const token = discord.token ?? (launcher?.env['DISCORD_TOKEN'] || null);
  if (token === null) {
    const remedy =
      'Set DISCORD_TOKEN (from the developer portal, page Bot) in the environment of dso up and of the bot.';
    return [warn('token', 'There is no bot token here, so Discord was not asked.', remedy)];
  }
  const shape = tokenShape(token, isDiscord);
  const proxy = proxyFor(new URL(api), process.env);
  if (proxy !== null) {
    return [
      shape,
      skip('gateway', `Discord is reached through the proxy of ${proxy.variable}; the doctor asks no proxy.`),
    ];
  }
  const asked = await ask(`${api.replace(/\/+$/, '')}/gateway/bot`, token, clock);
  if (typeof asked === 'string') {
    return [
      shape,
      fail(
        'api',
        `${api} does not answer: ${asked}.`,
        `Is the network up, and does a firewall let HTTPS out? discord.api says where Discord is.`,
      ),
    ];
  }
  const skew = clockSkew(asked);
  if (asked.status !== 200) return [shape, refusal(asked, api), skew];
  const bot = gatewayOf(asked.body);
  if (bot === null)
    return [
      shape,
      fail('api', `${api}/gateway/bot answers nothing that Discord would.`, 'Is discord.api right?'),
      skew,
    ];
  const application = await ask(`${api.replace(/\/+$/, '')}/applications/@me`, token, clock);
  return [
    shape,
    ok('token accepted', `${api} knows the token.`),
    budget(bot),
    intents(application, launcher?.command),
    await gateway(bot.url, clock),
    skew,
  ];
}

/** Three parts between dots, the first of which is the id of the bot. Nothing of it is shown but that id. */
function tokenShape(written: string, isDiscord: boolean): Check {
  const token = written.trim().replace(/^Bot\s+/i, '');
  const parts = token.split('.');
  const id = Buffer.from(parts[0] ?? '', 'base64url').toString('latin1');
  if (parts.length === 3 && /^\d{15,20}$/.test(id))
    return ok('token', `It is there, and has the shape of a bot token (bot ${id}).`);
  const text = 'It is there, and has not the shape of a bot token: three parts between dots.';
  if (!isDiscord) return ok('token', `${text} An emulator takes any.`);
  const isSecret = /^[\w-]{32}$/.test(token) || /^[0-9a-f]{64}$/.test(token);
  const what = isSecret ? ' It looks like a client secret or a public key.' : '';
  return fail(
    'token',
    `${text}${what}`,
    'Copy the token from the developer portal: your application, page Bot, Reset Token.',
  );
}

function refusal({ status, body }: Answered, api: string): Check {
  const said = Object(body).message;
  const words = typeof said === 'string' ? ` (${said})` : '';
  if (status === 401)
    return fail(
      'token accepted',
      `${api} refuses the token${words}.`,
      'Make a new one in the developer portal, page Bot: Reset Token.',
    );
  if (status === 429)
    return warn(
      'token accepted',
      `${api} asks to wait${words}.`,
      'Look again in a few minutes: this address has asked too often.',
    );
  return warn(
    'token accepted',
    `${api} answers with ${status}${words}.`,
    'See https://discordstatus.com, and look again later.',
  );
}

type Bot = {
  url: string;
  shards: number;
  total: number;
  remaining: number;
  resetAfterMs: number;
  maxConcurrency: number;
};

function gatewayOf(body: unknown): Bot | null {
  const { url, shards, session_start_limit: limit } = Object(body) as Record<string, unknown>;
  const {
    total,
    remaining,
    reset_after: resetAfterMs,
    max_concurrency: maxConcurrency,
  } = Object(limit) as Record<string, unknown>;
  const numbers = [shards, total, remaining, resetAfterMs, maxConcurrency];
  if (typeof url !== 'string' || !URL.canParse(url) || !numbers.every((each) => typeof each === 'number')) return null;
  const [count = 0, all = 0, left = 0, reset = 0, atOnce = 0] = numbers;
  return { url, shards: count, total: all, remaining: left, resetAfterMs: reset, maxConcurrency: atOnce };
}

function budget({ shards, total, remaining, resetAfterMs, maxConcurrency }: Bot): Check {
  const text = `${remaining} of ${total} session starts are left, more in ${shortSpan(resetAfterMs)}; Discord recommends ${counted(shards, 'shard')}, ${maxConcurrency} at once.`;
  const remedy = 'Restart nothing that would identify; find what spends them: docs/guide/identify-budget.md.';
  if (remaining === 0) return fail('session starts', text, remedy);
  return remaining < shards
    ? warn('session starts', `${text} A whole start needs more.`, remedy)
    : ok('session starts', text);
}

/** Flags of an application: the second of each is for bots in few guilds. */
const PRIVILEGED = [
  { name: 'GuildPresences', raw: 'GUILD_PRESENCES', bits: (1 << 12) | (1 << 13), portal: 'Presence Intent' },
  { name: 'GuildMembers', raw: 'GUILD_MEMBERS', bits: (1 << 14) | (1 << 15), portal: 'Server Members Intent' },
  { name: 'MessageContent', raw: 'MESSAGE_CONTENT', bits: (1 << 18) | (1 << 19), portal: 'Message Content Intent' },
] as const;

/** What is granted Discord says; what is asked for, only the bot's own source says, as far as its file names it. */
function intents(application: Answered | string, command: string | readonly string[] | undefined): Check {
  if (typeof application === 'string' || application.status !== 200)
    return skip('intents', 'It is not said which intents are granted.');
  const flags: unknown = Object(application.body).flags;
  if (typeof flags !== 'number') return skip('intents', 'It is not said which intents are granted.');
  const granted = PRIVILEGED.filter(({ bits }) => (flags & bits) !== 0).map(({ name }) => name);
  const source = sourceOf(command);
  const asked = PRIVILEGED.filter(({ name, raw }) => new RegExp(`\\b(${name}|${raw})\\b`).test(source.text));
  const missing = asked.filter(({ name }) => !granted.includes(name));
  const text = granted.length === 0 ? 'No privileged intent is granted.' : `Granted: ${granted.join(', ')}.`;
  if (missing.length === 0) return ok('intents', text);
  return warn(
    'intents',
    `${text} ${source.file} names ${missing.map(({ name }) => name).join(', ')}: Discord would close the shards with 4014.`,
    `Grant ${missing.map(({ portal }) => portal).join(', ')} in the developer portal, page Bot, or do not ask for what is not needed.`,
  );
}

function sourceOf(command: string | readonly string[] | undefined): { file: string; text: string } {
  const words = command === undefined ? [] : typeof command === 'string' ? command.split(/\s+/) : command;
  const file = words.find((word) => /\.[cm]?[jt]s$/.test(word));
  if (file === undefined) return { file: '', text: '' };
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch {
    return { file, text: '' };
  }
}

/** By the `Date` of the answer, which has whole seconds: what lies within the time of the question is no skew. */
function clockSkew({ date, sentAt, gotAt }: Pick<Answered, 'date' | 'sentAt' | 'gotAt'>): Check {
  if (date === null) return skip('clock', 'The answer has no date.');
  const skew = gotAt < date ? date - gotAt : sentAt > date + 1_000 ? sentAt - date - 1_000 : 0;
  const way = gotAt < date ? 'behind' : 'ahead';
  if (skew < SKEW_MS) return ok('clock', 'The clock of this machine agrees with that of Discord.');
  const text = `The clock of this machine is ${shortSpan(skew)} ${way}.`;
  const remedy =
    'Turn time synchronisation on: timedatectl set-ntp true (or chrony). Tokens and certificates end by the clock.';
  return skew < GREAT_SKEW_MS ? warn('clock', text, remedy) : fail('clock', text, remedy);
}

/** Whether a connection to the gateway comes about: no session is begun, nothing is spent. */
function gateway(url: string, clock: Clock): Promise<Check> {
  const target = new URL(url);
  target.search = '?v=10&encoding=json';
  const isSecure = target.protocol === 'wss:';
  target.protocol = isSecure ? 'https:' : 'http:';
  const remedy = 'Does a firewall or a proxy stop WebSockets to that host?';
  return new Promise((resolve) => {
    const startedAt = clock.now();
    const request = (isSecure ? httpsRequest : httpRequest)(target, {
      agent: false,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    });
    const cancel = clock.after(TIMEOUT_MS, () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    const end = (check: Check): void => {
      cancel();
      request.destroy();
      resolve(check);
    };
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      end(ok('gateway', `${url} takes connections (${shortSpan(clock.now() - startedAt)}).`));
    });
    request.on('response', ({ statusCode }) =>
      end(fail('gateway', `${url} answers with ${statusCode ?? 0} instead of a WebSocket.`, remedy)),
    );
    request.on('error', (cause) => end(fail('gateway', `${url} cannot be reached: ${messageOf(cause)}.`, remedy)));
    request.end();
  });
}

/** A sentence where nobody answers. */
async function ask(url: string, token: string, clock: Clock): Promise<Answered | string> {
  const abort = new AbortController();
  const cancel = clock.after(TIMEOUT_MS, () => abort.abort(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
  const sentAt = clock.wallClock();
  try {
    const authorization = `Bot ${token.trim().replace(/^Bot\s+/i, '')}`;
    const response = await fetch(url, { headers: { authorization }, signal: abort.signal });
    const gotAt = clock.wallClock();
    const text = (await response.text()).slice(0, MAX_ANSWER_CHARACTERS);
    const date = Date.parse(response.headers.get('date') ?? '');
    return { status: response.status, body: parsed(text), date: Number.isNaN(date) ? null : date, sentAt, gotAt };
  } catch (cause) {
    return messageOf(cause instanceof Error && cause.cause !== undefined ? cause.cause : cause);
  } finally {
    cancel();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
