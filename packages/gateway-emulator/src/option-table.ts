/**
 * Every option of the emulator: its default and bounds, what it is for, and where the default comes from. Reading and
 * checking (`options.ts`) and the README's table are made from it.
 */
import { defaultToken } from './core/token.js';
import { defaultRules } from './core/rules.js';
import { defaultLedgerLimits } from './ledger/ledger.js';
import type { EmulatorOptions } from './options.js';
import { trafficKinds } from './world/traffic-mix.js';

type NumberSpec = { kind: 'integer' | 'number'; default: number; min: number; max: number };

type OptionSpec = (
  | NumberSpec
  /** An integer, or a word that stands for a rule. */
  | { kind: 'integer-or-word'; default: number | string; min: number; max: number; word: string }
  | { kind: 'choice'; default: string; choices: readonly string[] }
  | { kind: 'token'; default: string }
  | { kind: 'mix'; default: string }
  | { kind: 'boolean'; default: boolean }
  /** One of loopback, or of a private network. */
  | { kind: 'address'; default: string }
  | { kind: 'path'; default: string }
) & {
  what: string;
  /** Where the default comes from; absent: it is ours. */
  source?: string;
  /** What the default is in words, where it depends on other options. */
  defaultSaid?: string;
};

const day = 24 * 60 * 60 * 1000;
const unbounded = Number.MAX_SAFE_INTEGER;
const PORT: Bounds = [0, 65_535];

/** The least and the most. */
type Bounds = readonly [number, number];

function integer(byDefault: number, [min, max]: Bounds): NumberSpec {
  return { kind: 'integer', default: byDefault, min, max };
}

export const optionTable: Readonly<Record<keyof EmulatorOptions, OptionSpec>> = {
  port: { ...integer(0, PORT), what: 'port of gateway and HTTP; 0 takes a free one' },
  address: {
    kind: 'address',
    default: '127.0.0.1',
    what: 'where gateway and HTTP listen: loopback, or a private address of this machine, for bots in containers or namespaces; whoever reaches it reaches the admin interface as well',
  },
  resumePort: { ...integer(0, PORT), what: 'port of the resume host; 0 takes a free one' },
  resumeAddress: {
    kind: 'address',
    default: '127.0.0.1',
    defaultSaid: 'that of `address`',
    what: 'where the resume host listens, for libraries that ignore ports: another address of 127.0.0.0/8',
  },
  voicePort: { ...integer(0, PORT), what: 'port of the voice gateway, which is there with `tls`; 0 takes a free one' },
  voiceAddress: {
    kind: 'address',
    default: '127.0.0.1',
    what: 'where the voice gateway listens, for libraries that ignore ports: another address of 127.0.0.0/8',
  },
  tls: {
    kind: 'boolean',
    default: false,
    what: '`wss` and `https`, with a certificate that an authority of its own signs at start',
    source: 'ours; Discord has nothing else',
  },
  caFile: {
    kind: 'path',
    default: '',
    defaultSaid: 'a temporary file, removed at the end',
    what: 'where the certificate of that authority is written, for `NODE_EXTRA_CA_CERTS`',
  },
  names: {
    kind: 'choice',
    default: 'addresses',
    choices: ['addresses', 'discord'],
    what: "what URLs name: addresses, or Discord's own hosts, which a hosts file has to lead here",
  },
  token: {
    kind: 'token',
    default: defaultToken,
    what: "the bot's token, any at all; the id of a bot that it names, as Discord's do, becomes that of the emulated bot",
    source: 'ours, made like Discord’s; without one `emulator-token`, the default of 0.1.0, is taken too',
  },
  shards: {
    ...integer(1, [1, 100_000]),
    what: 'what `/gateway/bot` recommends, rounded up to a multiple of `shardCountMultiple`',
  },
  guilds: { ...integer(0, [0, 1_000_000]), defaultSaid: '4 per shard', what: 'guilds of the world' },
  members: { ...integer(5, [0, 100_000]), what: 'members per guild in the beginning, beside the bot' },
  rate: { ...integer(0, [0, 1_000_000]), kind: 'number', what: 'events of traffic per second from the start; 0 none' },
  mix: {
    kind: 'mix',
    default: '{ messages: 1 }',
    what: `what the traffic consists of, by weight: ${trafficKinds.join(', ')}`,
  },
  directEvery: {
    ...integer(0, [0, unbounded]),
    what: 'one message in so many is a direct one, which goes to shard 0; 0 none',
  },
  seed: { ...integer(1, [0, 2 ** 32 - 1]), what: 'makes world, traffic and session ids' },
  maxConcurrency: {
    ...integer(defaultRules.maxConcurrency, [1, 100_000]),
    what: 'IDENTIFYs admitted per window, one for each key `shard_id % maxConcurrency`',
    source: 'documented; 1 is what a small bot gets',
  },
  identifyWindowMs: {
    ...integer(defaultRules.identifyWindowMs, [0, day]),
    what: 'length of an identify window',
    source: 'documented',
  },
  earlyIdentifyDelayMs: {
    ...integer(defaultRules.earlyIdentifyDelayMs, [0, day]),
    what: 'how long an IDENTIFY that came too early waits for its op 9; it costs a session start',
    source: 'a third party: "after a few seconds"; the cost is our reading',
  },
  sessionStartLimit: {
    ...integer(defaultRules.sessionStartLimit, [0, unbounded]),
    defaultSaid: '1000; above 150 000 guilds `max(2000, guilds / 1000 * 5)`',
    what: 'session starts per period; one too many closes all sessions with 4003 and kills the token',
    source: 'documented',
  },
  sessionStartPeriodMs: {
    ...integer(defaultRules.sessionStartPeriodMs, [1, 1_000 * day]),
    what: 'the period of the session starts',
    source: 'documented',
  },
  sessionTtlMs: {
    ...integer(defaultRules.sessionTtlMs, [0, 1_000 * day]),
    what: 'how long a session without a socket can be resumed',
    source: 'a third party measured 90 s in 2020; documented is "a few minutes"',
  },
  replayBuffer: {
    kind: 'integer-or-word',
    default: defaultRules.replayBuffer,
    min: 0,
    max: 1_000_000,
    word: 'by-guilds',
    what: 'events kept per session for RESUME; `by-guilds` is `max(100, min(3500, guilds * 75))`',
    source: 'not known today; the formula is what staff said in 2016',
  },
  replayBufferBytes: {
    ...integer(defaultRules.replayBufferBytes, [0, unbounded]),
    what: 'characters of JSON kept per session, however few events they are',
  },
  heartbeatIntervalMs: {
    ...integer(defaultRules.heartbeatIntervalMs, [10, day]),
    what: '`heartbeat_interval` of HELLO',
    source: 'unofficial documentation and captures',
  },
  heartbeatTimeoutMs: {
    ...integer(defaultRules.heartbeatTimeoutMs, [10, 2 * day]),
    defaultSaid: '1.5 intervals',
    what: 'closes with 4009 after so long without a heartbeat',
    source: 'not documented; a third party saw 60 s pass',
  },
  maxPayloadBytes: {
    ...integer(defaultRules.maxPayloadBytes, [64, 1_048_576]),
    what: 'bytes of a payload beyond which it closes with 4002',
    source: 'documented; unofficially 15 KiB pass in practice',
  },
  maxSends: {
    ...integer(defaultRules.maxSends, [1, unbounded]),
    what: 'payloads per socket and period, heartbeats included, beyond which it closes with 4008',
    source: 'documented; that it counts per socket and includes heartbeats is from staff',
  },
  sendPeriodMs: {
    ...integer(defaultRules.sendPeriodMs, [1, day]),
    what: 'that period; it begins with the first payload after the last one ended',
    source: 'documented; its beginning is our reading',
  },
  maxGuildsPerShard: {
    ...integer(defaultRules.maxGuildsPerShard, [0, 1_000_000]),
    what: 'guilds per shard beyond which IDENTIFY closes with 4011',
    source: 'documented',
  },
  shardCountMultiple: {
    ...integer(defaultRules.shardCountMultiple, [1, 100_000]),
    defaultSaid: '1; above 150 000 guilds 16',
    what: 'large bots: 4010 unless the shard count is a multiple of it',
    source: 'the rule is documented, 16 is from staff',
  },
  disallowedIntents: {
    ...integer(defaultRules.disallowedIntents, [0, 2 ** 31 - 1]),
    what: 'intent bits that were not granted: IDENTIFY with one of them closes with 4014',
    source: 'documented',
  },
  doubleAttach: {
    kind: 'choice',
    default: defaultRules.doubleAttach,
    choices: ['close-old', 'silence-old', 'keep-both'],
    what: 'what becomes of a socket whose session is resumed on another: closed, left open and mute, or left open with a copy of everything; counted as a violation each time',
    source: 'not documented; a third party saw it closed in 2018, a compatible gateway leaves it mute',
  },
  doubleAttachCloseCode: {
    ...integer(defaultRules.doubleAttachCloseCode, [4_000, 4_999]),
    what: 'the code it is closed with',
    source: 'the same report',
  },
  resumeToken: {
    kind: 'choice',
    default: defaultRules.resumeToken,
    choices: ['either', 'bare'],
    what: 'whether RESUME may have `Bot ` before its token; if not, it is answered with op 9',
    source: 'not documented; eris, oceanic.js, discordeno and seyfert send it so, a report of 2019 says that it failed',
  },
  reconnectGraceMs: {
    ...integer(defaultRules.reconnectGraceMs, [0, day]),
    what: 'how long a socket may stay after op 7 before it is closed with 4000',
    source: 'documented as "a few seconds"',
  },
  membersPeriodMs: {
    ...integer(defaultRules.membersPeriodMs, [0, day]),
    what: 'how often all members of a guild may be asked for (op 8); sooner is answered with RATE_LIMITED',
    source: 'documented',
  },
  helloDelayMs: {
    ...integer(0, [0, 60_000]),
    what: 'how long after the upgrade HELLO comes; seyfert loses one that comes in the same packet as the answer to the upgrade',
    source: 'ours: at once',
  },
  maxSocketBufferBytes: {
    ...integer(16 * 1_048_576, [65_536, unbounded]),
    what: 'bytes that may wait for a client that does not read; beyond it its socket is cut',
  },
  ledgerEvents: {
    ...integer(defaultLedgerLimits.events, [10, 10_000_000]),
    what: 'events the ledger keeps one by one; older ones are settled into counts',
  },
};
