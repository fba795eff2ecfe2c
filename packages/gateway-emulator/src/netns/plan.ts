/**
 * What it takes to run a bot in a network namespace where Discord's hosts are an emulator on port 443: for libraries
 * that ignore ports, and for bots that shall not be changed at all. Commands and files, as data; `run.ts` carries them
 * out.
 *
 * In the namespace there is loopback and nothing else: what a bot asks of other hosts fails at once.
 */
import { discordNames } from '../core/discord.js';

export type PlanInput = {
  /** Of the namespace. */
  name: string;
  /** Flags for `dso-gateway`, as given. */
  flags: readonly string[];
  /** The bot. */
  command: readonly string[];
  /** The program and the arguments that start `dso-gateway`. */
  gateway: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Where the certificate of the emulator's authority goes. */
  caFile: string;
  /** The emulator's own token, where nobody names another. */
  defaultToken: string;
};

export type Plan = {
  /** A folder whose files take the place of those in /etc. */
  etcFolder: string;
  files: Readonly<Record<string, string>>;
  setUp: readonly (readonly string[])[];
  gateway: readonly string[];
  bot: readonly string[];
  /** What the bot's environment has beside its own. */
  botEnv: Readonly<Record<string, string>>;
  tearDown: readonly (readonly string[])[];
};

const port = '443';
/** Each host that has to be on one and the same port has an address of its own. */
const resumeAddress = '127.0.0.2';
const voiceAddress = '127.0.0.3';
const tokenFlag = '--token';
/** `ip netns` puts the files of this folder over those of /etc. */
const etcFolderOf = (name: string): string => `/etc/netns/${name}`;

export function planNamespace(input: PlanInput): Plan {
  const { name, flags, command, gateway, env, caFile, defaultToken } = input;
  const inside = ['ip', 'netns', 'exec', name];
  const token = tokenIn(flags) ?? env['DISCORD_TOKEN'] ?? defaultToken;
  const hosts = [
    `127.0.0.1 localhost ${discordNames.api} ${discordNames.gateway}`,
    `${resumeAddress} ${discordNames.resume}`,
    `${voiceAddress} ${discordNames.voice}`,
  ];
  const fixed = ['--tls', '--ca-file', caFile, '--discord-names', '--port', port];
  const resume = ['--resume-address', resumeAddress, '--resume-port', port];
  const voice = ['--voice-address', voiceAddress, '--voice-port', port];
  const asked = tokenIn(flags) === null ? [...flags, tokenFlag, token] : flags;
  return {
    etcFolder: etcFolderOf(name),
    // Without a name server every other name fails at once, and does not wait for one.
    files: { hosts: `${hosts.join('\n')}\n`, 'resolv.conf': '' },
    setUp: [
      ['ip', 'netns', 'add', name],
      ['ip', '-n', name, 'link', 'set', 'lo', 'up'],
    ],
    gateway: [...inside, ...gateway, ...fixed, ...resume, ...voice, ...asked],
    bot: [...inside, ...asCaller(env), ...command],
    botEnv: { NODE_EXTRA_CA_CERTS: caFile, DISCORD_TOKEN: token },
    tearDown: [['ip', 'netns', 'delete', name]],
  };
}

/** Who came by sudo gets the bot run as whoever they are. */
function asCaller({ SUDO_UID: user, SUDO_GID: group }: PlanInput['env']): string[] {
  if (user === undefined || group === undefined) return [];
  return ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups'];
}

function tokenIn(flags: readonly string[]): string | null {
  const joined = flags.find((flag) => flag.startsWith(`${tokenFlag}=`));
  if (joined !== undefined) return joined.slice(tokenFlag.length + 1);
  const at = flags.indexOf(tokenFlag);
  return at < 0 ? null : (flags[at + 1] ?? null);
}
