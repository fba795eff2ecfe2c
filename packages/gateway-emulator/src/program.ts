/** The program `dso-gateway`: an emulator. Exit codes: 0 stopped by a signal, 1 could not run, 2 called wrongly. */
import { createWriteStream, readFileSync } from 'node:fs';
import { counted, messageOf, parseWholeNumber } from '@dshard/protocol';
import { readNamedFile, systemClock, type Clock } from '@dshard/transport';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { defaultRules } from './core/rules.js';
import { startGatewayEmulator, type GatewayEmulator } from './emulator.js';
import { EmulatorError } from './errors.js';
import { farewell, greeting } from './greeting.js';
import { optionTable } from './option-table.js';
import type { EmulatorOptions } from './options.js';
import { parseScript, scriptLine, type ScriptLine } from './world/script.js';
import { parseMix, problemOfMix, trafficKinds, type TrafficMix } from './world/traffic-mix.js';

/** What the program needs of the process it runs in. */
export type ProgramIo = {
  out: (line: string) => void;
  err: (line: string) => void;
  /** Resolves when the program is asked to stop. */
  untilStopped: () => Promise<void>;
};

/** All that an option of the emulator has no name for, and what is looked at here. */
type Flags = { shards: number; maxConcurrency?: number; discordNames?: true; script?: ScriptLine[]; record?: string };

/** The options of flags that are called otherwise. */
const OPTION_OF_FLAG: Readonly<Record<string, keyof EmulatorOptions>> = {
  identifyWindow: 'identifyWindowMs',
  sessionStarts: 'sessionStartLimit',
  shardMultiple: 'shardCountMultiple',
  sessionTtl: 'sessionTtlMs',
  heartbeatInterval: 'heartbeatIntervalMs',
  helloDelay: 'helloDelayMs',
};

const examples = `
Examples:
  $ dso-gateway                                     a small world on port 7480
  $ dso-gateway --guilds 2000 --shards 16 --rate 500
  $ dso-gateway --mix messages=80,reactions=15,members=5 --rate 50 --record traffic.jsonl
  $ dso-gateway --script traffic.jsonl              the same again
  $ dso-gateway --max-concurrency 1 --session-ttl 10000
  $ dso-gateway --tls --ca-file ca.pem              then: NODE_EXTRA_CA_CERTS=ca.pem node bot.js
  $ dso-gateway --shards 32 --shard-multiple 16     as Discord has it for large bots
  $ curl -X POST localhost:7480/emulator/reconnect  tells every shard to reconnect (op 7)
  $ curl -X POST localhost:7480/emulator/gateway-away -d '{"forMs":75000}'
  $ curl -X POST localhost:7480/emulator/resumes -d '{"answer":"never","shards":"0-3","forMs":30000}'
  $ curl localhost:7480/ledger                      what was emitted, handled, lost`;

/** Runs until stopped; resolves with the exit code. `argv` without the interpreter and the script. */
export async function runProgram(argv: readonly string[], io: ProgramIo): Promise<number> {
  const program = makeCommand(io);
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const flags = program.opts<Flags>();
  let started: Started;
  try {
    started = await start(flags);
  } catch (error) {
    if (!(error instanceof EmulatorError)) throw error;
    const way = error.code === 'DSO_EMULATOR_PORT_TAKEN' ? ' Here: --port and --resume-port; 0 takes a free one.' : '';
    io.err(`dso-gateway: ${error.message}${way}`);
    return error.code === 'DSO_EMULATOR_BAD_OPTION' ? 2 : 1;
  }
  const { gateway, recording } = started;
  if (flags.script !== undefined) gateway.play(flags.script).start();
  const crowded = crowding(gateway);
  if (crowded !== null) io.err(crowded);
  io.out(greeting(gateway, { maxConcurrency: maxConcurrencyOf(flags) }));
  await io.untilStopped();
  await gateway.close();
  await recording?.close();
  io.out(farewell(gateway));
  return 0;
}

type Started = { gateway: GatewayEmulator; recording: Recording | null };

async function start(flags: Flags): Promise<Started> {
  const gateway = await startGatewayEmulator(optionsOf(flags));
  try {
    return { gateway, recording: flags.record === undefined ? null : await startRecording(gateway, flags.record) };
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

function makeCommand(io: ProgramIo): Command {
  return new Command('dso-gateway')
    .description('A local Discord gateway for developing and testing bots. Listens on loopback, unless told otherwise.')
    .option('--port <n>', 'port of gateway and HTTP, 0 for any', number('port'), 7480)
    .option('--address <ip>', 'where it listens: loopback, or a private address of this machine', '127.0.0.1')
    .option('--resume-port <n>', 'port of the resume host, 0 for any', number('resumePort'), 0)
    .option('--shards <n>', 'how many shards /gateway/bot recommends', number('shards'), 1)
    .option('--guilds <n>', 'guilds of the world (default: 4 per shard)', number('guilds'))
    .option('--members <n>', 'members per guild, beside the bot', number('members'), 5)
    .option('--rate <n>', 'events per second over all shards', number('rate'), 0)
    .option('--mix <kinds>', `what they are, by weight, of ${trafficKinds.join(', ')} (default: messages)`, mix)
    .option('--direct-every <n>', 'one message in n is a direct one, 0 for none', number('directEvery'), 0)
    .option('--script <file>', 'plays events from a file of JSON lines, { "at": ms, "event": { "t", "d" } }', script)
    .option('--record <file>', 'writes what is emitted as such a script')
    .option(
      '--max-concurrency <n>',
      'IDENTIFYs admitted at a time (default: as many as shards, at most 16)',
      number('maxConcurrency'),
    )
    .option('--identify-window <ms>', 'length of an identify window', number('identifyWindowMs'), 5_000)
    .option('--session-starts <n>', 'IDENTIFYs per day', number('sessionStartLimit'), 1_000)
    .option('--seed <n>', 'makes world and traffic', number('seed'), 1)
    .option('--tls', 'wss and https, with a certificate by an authority of its own, whose file is printed')
    .option('--ca-file <file>', "where that authority's certificate is written (default: a temporary file)")
    .option('--resume-address <ip>', 'address of the resume host, of 127.0.0.0/8 (default: that of --address)')
    .option(
      '--voice-port <n>',
      'port of the voice gateway, which is there with --tls, 0 for any',
      number('voicePort'),
      0,
    )
    .option('--voice-address <ip>', 'address of the voice gateway, of 127.0.0.0/8', '127.0.0.1')
    .option('--discord-names', "URLs name Discord's own hosts, which a hosts file has to lead here")
    .option('--token <token>', "the bot's token, any you like", optionTable.token.default.toString())
    .option(
      '--shard-multiple <n>',
      'large-bot sharding: shard counts must be a multiple, else 4010 (default: 1; above 150 000 guilds 16)',
      number('shardCountMultiple'),
    )
    .option('--replay-buffer <n>', 'events kept per session for RESUME, or by-guilds', replayBuffer, 1_000)
    .option('--session-ttl <ms>', 'how long a session without a socket can be resumed', number('sessionTtlMs'), 90_000)
    .option('--heartbeat-interval <ms>', 'what HELLO asks for', number('heartbeatIntervalMs'), 41_250)
    .option('--hello-delay <ms>', 'how long after the upgrade HELLO comes', number('helloDelayMs'), 0)
    .version(packageVersion(), '--version', 'print the version')
    .addHelpText('after', examples)
    .showHelpAfterError('(`dso-gateway --help` shows what there is)')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) });
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}

function optionsOf(flags: Flags): EmulatorOptions {
  const { script: _, record: __, discordNames, ...given } = flags;
  const options = Object.entries(given).map(([flag, value]) => [OPTION_OF_FLAG[flag] ?? flag, value] as const);
  return {
    ...Object.fromEntries(options),
    names: discordNames === true ? 'discord' : 'addresses',
    maxConcurrency: maxConcurrencyOf(flags),
  };
}

/** What comes of more guilds than so many shards may have; null: they fit. */
function crowding({ world, shards }: GatewayEmulator): string | null {
  const { maxGuildsPerShard } = defaultRules;
  const guilds = world.guildCount;
  if (guilds <= shards * maxGuildsPerShard) return null;
  const needed = Math.ceil(guilds / maxGuildsPerShard);
  return `${guilds} guilds are more than ${counted(shards, 'shard')} may have: Discord refuses such an IDENTIFY (4011). Add --shards ${needed} or more.`;
}

/** As Discord's largest bots have it: a development bot of many shards starts in seconds. */
function maxConcurrencyOf({ maxConcurrency, shards }: Flags): number {
  return maxConcurrency ?? Math.max(1, Math.min(shards, 16));
}

/** More is no script that anybody wrote. */
const MAX_SCRIPT_BYTES = 256 * 1024 * 1024;

function script(file: string): ScriptLine[] {
  let text: string;
  try {
    text = readNamedFile(file, MAX_SCRIPT_BYTES).toString('utf8');
  } catch (error) {
    throw new InvalidArgumentError(`${file} cannot be read: ${messageOf(error)}`);
  }
  try {
    return parseScript(text);
  } catch (error) {
    if (error instanceof EmulatorError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** Reads the number of an option, within its bounds. */
function number(option: keyof EmulatorOptions): (value: string) => number {
  const spec = optionTable[option];
  if (!('min' in spec)) throw new TypeError(`The option ${option} is no number.`);
  const { kind, min, max } = spec;
  const what = kind === 'number' ? 'a number' : 'a whole number';
  const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
  return (value) => {
    const found = kind === 'number' ? decimal(value, { min, max }) : parseWholeNumber(value, { min, max });
    if (found === undefined) throw new InvalidArgumentError(`It must be ${what} ${bounds}.`);
    return found;
  };
}

function decimal(written: string, { min, max }: { min: number; max: number }): number | undefined {
  const number = /^\d+(\.\d+)?$/.test(written) ? Number(written) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

function mix(value: string): TrafficMix {
  const parsed = parseMix(value);
  const problem = problemOfMix(parsed);
  if (problem !== null) throw new InvalidArgumentError(`Write it as messages=8,reactions=2: ${problem}.`);
  return parsed;
}

function replayBuffer(value: string): number | 'by-guilds' {
  return value === 'by-guilds' ? value : number('replayBuffer')(value);
}

/** Writes what an emulator emits into a file, as a script that `--script` plays. */
export type Recording = { close: () => Promise<void> };

/** Throws `DSO_EMULATOR_BAD_SCRIPT` when the file cannot be written. */
export async function startRecording(
  gateway: GatewayEmulator,
  file: string,
  clock: Clock = systemClock(),
): Promise<Recording> {
  const stream = createWriteStream(file);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (cause) =>
      reject(new EmulatorError('DSO_EMULATOR_BAD_SCRIPT', `${file} cannot be written: ${cause.message}`, { cause })),
    );
  });
  const startedAt = clock.monotonicMs();
  const stop = gateway.onEmitted((event) => stream.write(`${scriptLine(clock.monotonicMs() - startedAt, event)}\n`));
  return {
    close: () => {
      stop();
      return new Promise((resolve) => stream.end(resolve));
    },
  };
}
