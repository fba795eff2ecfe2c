/**
 * Starts an example's bot in two processes under an orchestrator: against Discord with DISCORD_TOKEN in the
 * environment, else against the emulator. `node start.js <folder of the example> [--check]`; with --check it asks the
 * bot something before and after a rollout, compares (`check.js` in the folder, if there is one, else that a count goes
 * on), sees to it that every rejection was handled, and ends.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { delay, systemClock } from '@dshard/transport';

const TIMEOUT_MS = 60_000;

const clock = systemClock();
const check = process.argv.includes('--check');
const bot = resolve(process.argv[2] ?? '.', 'bot.js');
const dso = join(dirname(createRequire(import.meta.url).resolve('@dshard/cli/package.json')), 'bin', 'dso.js');

/** What the example asks its bot, and what it needs of the emulator, where it says so itself. */
const own = join(dirname(bot), 'check.js');
const example = existsSync(own) ? await import(pathToFileURL(own)) : { check: checkCount, emulator: {} };

/** Discord as one machine has it. A token begins with the bot's id, and some libraries read it there. */
async function startEmulator() {
  const { startGatewayEmulator } = await import('@dshard/gateway-emulator');
  const token = `${Buffer.from('123456789012345678').toString('base64')}.example.token`;
  const size = { shards: 4, guilds: 16, members: 20, maxConcurrency: 4 };
  return startGatewayEmulator({ token, ...size, rate: check ? 0 : 20, ...example.emulator });
}

function environmentOf({ token, apiUrl, ca }) {
  return { DISCORD_TOKEN: token, DISCORD_API: apiUrl, ...(ca && { NODE_EXTRA_CA_CERTS: ca.path }) };
}

const emulator = process.env.DISCORD_TOKEN ? null : await startEmulator();
const folder = check ? await mkdtemp(join(tmpdir(), 'dso-example-')) : process.cwd();
const fleet = spawn(
  process.execPath,
  [
    dso,
    'up',
    '--bot',
    bot,
    '--nodes=2',
    '--shards=auto',
    ...(check ? ['--json', '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0'] : []),
  ],
  {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...(emulator && environmentOf(emulator)),
      // Told in the logs and counted below.
      ...(check && { NODE_OPTIONS: '--unhandled-rejections=warn' }),
    },
  },
);
const ended = once(fleet, 'exit');
process.once('SIGINT', () => fleet.kill('SIGTERM'));

try {
  if (check) {
    const [line] = await once(fleet.stdout, 'data');
    await checkRollout(emulator, JSON.parse(String(line).split('\n')[0]).http);
  } else {
    fleet.stdout.pipe(process.stdout);
    console.log('Try, in another terminal: npx dso status · npx dso rollout · Ctrl-C here ends it.');
    await ended;
  }
} finally {
  fleet.kill('SIGTERM');
  await ended;
  await emulator?.close();
  if (check) await rm(folder, { recursive: true, force: true });
}

async function until(what, condition) {
  const deadline = clock.monotonicMs() + TIMEOUT_MS;
  while (!(await condition())) {
    if (clock.monotonicMs() > deadline) throw new Error(`Waited ${TIMEOUT_MS / 1000} s for ${what}, in vain.`);
    await delay(clock, 50);
  }
}

async function checkRollout({ people, posted, admin, world }, url) {
  const guildId = world.guildAt(5).id;
  const ask = async (question) => {
    const { id } = people.say(question, { guildId });
    const answerOf = ({ message }) => message?.message_reference?.message_id === id;
    await until(`the bot to answer ${question}`, () => posted.list().some(answerOf));
    return posted.list().find(answerOf).message.content;
  };
  const rollOut = async () => {
    const answer = await fetch(new URL('/fullmigration', url), { method: 'POST' });
    if (!answer.ok) throw new Error(await answer.text());
  };
  await until('all shards', () => admin.status().sessions.filter(({ attached }) => attached).length === 4);
  await example.check({ emulator, ask, until, rollOut });
  const logs = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.log'));
  if (logs.length === 0) throw new Error('The nodes left no logs.');
  for (const name of logs) {
    const log = await readFile(join(folder, name), 'utf8');
    if (log.includes('UnhandledPromiseRejection')) throw new Error(`A rejection was not handled:\n${log}`);
  }
}

/** A count goes on over a rollout, in another process. */
async function checkCount({ ask, rollOut }) {
  const count = async () => /^(\d+) messages so far, says process (\d+)$/.exec(await ask('!count')).slice(1);
  const before = await count();
  await rollOut();
  const after = await count();
  console.log(
    `Before the rollout: ${before.join(' messages, process ')}; after it: ${after.join(' messages, process ')}.`,
  );
  if (after[0] !== '2' || after[1] === before[1]) throw new Error('The count did not go on in another process.');
}
