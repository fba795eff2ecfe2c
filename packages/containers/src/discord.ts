/**
 * Discord, for bots in containers that know only Discord's own names. In the sandbox's network the gateway emulator has
 * port 443 on loopback. Two addresses lead there from the containers, and their hosts file leads Discord's names to
 * these; whom to trust is a file that each container finds in its file system.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { followReports, startDiscord, type Discord } from '@dshard/demo';
import { run } from '@dshard/packaging';
import type { Clock } from '@dshard/transport';

const PORT = 443;
/** Discord's names, where the emulator has them, and where containers find them. */
const PLACES = [
  { loopback: '127.0.0.1', outside: '10.99.0.1', names: ['discord.com', 'gateway.discord.gg'] },
  { loopback: '127.0.0.2', outside: '10.99.0.2', names: ['gateway-us-east1-b.discord.gg'] },
] as const;
const VOICE_ADDRESS = '127.0.0.3';

export const WORLD = {
  shards: 4,
  guilds: 10,
  members: 10,
  rate: 200,
  seed: 1,
  maxConcurrency: 16,
  identifyWindow: 5_000,
  scenario: 'leave',
} as const;

/** In containers. */
export const DISCORD_FOLDER = '/discord';
export const REPORTS_FOLDER = '/reports';
const CA_FILE = 'ca.pem';

/** `discord.com:10.99.0.1`, as `extra_hosts` has them. */
export const HOSTS: readonly (readonly [name: string, address: string])[] = PLACES.flatMap(({ names, outside }) =>
  names.map((name) => [name, outside] as const),
);

/** What the demo's bot is told, besides what every bot is. */
export const BOT_ENVIRONMENT: Readonly<Record<string, string>> = {
  DISCORD_API: 'https://discord.com/api',
  DEMO_HANDLED_FILE: `${REPORTS_FOLDER}/handled.jsonl`,
  DEMO_WAITS_FILE: `${REPORTS_FOLDER}/waits.jsonl`,
  DEMO_ASKED_FILES: `${REPORTS_FOLDER}/asked`,
  DEMO_VERSION_FILE: '/app/version',
};
export const TRUST: Readonly<Record<string, string>> = { NODE_EXTRA_CA_CERTS: `${DISCORD_FOLDER}/${CA_FILE}` };

export type ContainersDiscord = AsyncDisposable & {
  readonly discord: Discord;
  /** On this machine; in containers REPORTS_FOLDER. */
  readonly reports: string;
  /** On this machine; in containers DISCORD_FOLDER. */
  readonly trust: string;
};

export async function startContainersDiscord(clock: Clock, folder: string): Promise<ContainersDiscord> {
  const trust = join(folder, 'discord');
  const reports = join(folder, 'reports');
  await prepareNetwork(folder);
  for (const each of [trust, reports]) mkdirSync(each, { recursive: true });
  chmodSync(reports, 0o777);
  const discord = await startDiscord(clock, WORLD, {
    tls: true,
    names: 'discord',
    caFile: join(trust, CA_FILE),
    port: PORT,
    resumeAddress: PLACES[1].loopback,
    resumePort: PORT,
    voiceAddress: VOICE_ADDRESS,
    voicePort: PORT,
  });
  chmodSync(join(trust, CA_FILE), 0o644);
  const handled = join(reports, 'handled.jsonl');
  // Bots are another user than we are.
  for (const file of [handled, join(reports, 'waits.jsonl')]) {
    writeFileSync(file, '');
    chmodSync(file, 0o666);
  }
  const stopFollowing = followReports(clock, handled, (node, event) => discord.handled(node, event));
  const relays = await Promise.all(PLACES.map(({ outside, loopback }) => relay(outside, loopback)));
  return {
    discord,
    reports,
    trust,
    async [Symbol.asyncDispose]() {
      for (const close of relays) close();
      await discord.close();
      stopFollowing();
    },
  };
}

/** The sandbox's network has nothing in it yet. Its files lie over the machine's, for nobody but us. */
async function prepareNetwork(folder: string): Promise<void> {
  const hosts = join(folder, 'hosts');
  const lines = PLACES.map(({ loopback, names }) => `${loopback} ${names.join(' ')}\n`);
  writeFileSync(hosts, ['127.0.0.1 localhost\n', ...lines].join(''));
  const commands = [
    ['mount', '-t', 'tmpfs', 'run', '/run'],
    ['mkdir', '-p', '/run/netns', '/run/lock'],
    ['mount', '--bind', hosts, '/etc/hosts'],
    ['ip', 'link', 'set', 'lo', 'up'],
    ...PLACES.map(({ outside }) => ['ip', 'address', 'add', `${outside}/32`, 'dev', 'lo']),
  ];
  for (const [program = '', ...args] of commands) {
    const { code, stderr } = await run(program, args);
    if (code !== 0) throw new Error(`"${program} ${args.join(' ')}" failed in the sandbox: ${stderr.trim()}`);
  }
}

/**
 * The emulator listens on loopback only. Returns what closes it with its connections: the other side of some is a
 * container that went without a word, with its network.
 */
async function relay(outside: string, loopback: string): Promise<() => void> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (from) => {
    const to = connect({ host: loopback, port: PORT, allowHalfOpen: true });
    for (const each of [from, to]) open.add(each.once('close', () => open.delete(each)));
    from.pipe(to).pipe(from);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  server.listen(PORT, outside);
  await once(server, 'listening');
  return () => {
    server.close();
    for (const each of open) each.destroy();
  };
}
