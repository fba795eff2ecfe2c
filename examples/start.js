/**
 * Starts an example's bot in two processes under an orchestrator: against Discord with DISCORD_TOKEN in the environment, else against the
 * emulator. `node start.js <folder of the example> [--check]`; with --check it asks the bot something before and after a rollout,
 * compares, and ends.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { delay, systemClock } from '@dshard/transport';

const TIMEOUT_MS = 60_000;

const clock = systemClock();
const check = process.argv.includes('--check');
const bot = resolve(process.argv[2] ?? '.', 'bot.js');
const dso = join(dirname(createRequire(import.meta.url).resolve('@dshard/cli/package.json')), 'bin', 'dso.js');

/** Discord as one machine has it. A token begins with the bot's id, and some libraries read it there. */
async function startEmulator() {
  const { startGatewayEmulator } = await import('@dshard/gateway-emulator');
  const token = `${Buffer.from('123456789012345678').toString('base64')}.example.token`;
  return startGatewayEmulator({ token, shards: 4, guilds: 16, members: 20, maxConcurrency: 4, rate: check ? 0 : 20 });
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
    env: { ...process.env, ...(emulator && { DISCORD_TOKEN: emulator.token, DISCORD_API: emulator.apiUrl }) },
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

/** A count goes on over a rollout, in another process. */
async function checkRollout({ people, posted, admin, world }, url) {
  const until = async (what, condition) => {
    const deadline = clock.monotonicMs() + TIMEOUT_MS;
    while (!(await condition())) {
      if (clock.monotonicMs() > deadline) throw new Error(`Waited ${TIMEOUT_MS / 1000} s for ${what}, in vain.`);
      await delay(clock, 50);
    }
  };
  const guildId = world.guildAt(5).id;
  const ask = async () => {
    const { id } = people.say('!count', { guildId });
    const answerOf = ({ message }) => message?.message_reference?.message_id === id;
    await until('the bot to answer', () => posted.list().some(answerOf));
    return /^(\d+) messages so far, says process (\d+)$/.exec(posted.list().find(answerOf).message.content).slice(1);
  };
  await until('all shards', () => admin.status().sessions.filter(({ attached }) => attached).length === 4);
  const before = await ask();
  const answer = await fetch(new URL('/fullmigration', url), { method: 'POST' });
  if (!answer.ok) throw new Error(await answer.text());
  const after = await ask();
  console.log(
    `Before the rollout: ${before.join(' messages, process ')}; after it: ${after.join(' messages, process ')}.`,
  );
  if (after[0] !== '2' || after[1] === before[1]) throw new Error('The count did not go on in another process.');
}
