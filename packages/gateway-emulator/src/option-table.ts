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
  /** One of loopback. */
  | { kind: 'address'; default: string }
  | { kind: 'path'; default: string }
) & {
  what: string;
  /** Where the default comes from. */
  source: string;
  /** What the default is in words, where it depends on other options. */
  defaultSaid?: string;
};

const day = 24 * 60 * 60 * 1000;
const unbounded = Number.MAX_SAFE_INTEGER;
const ours = 'ours';

export const optionTable: Readonly<Record<keyof EmulatorOptions, OptionSpec>> = {
  port: {
    kind: 'integer',
    default: 0,
    min: 0,
    max: 65_535,
    what: 'port of gateway and HTTP; 0 takes a free one',
    source: ours,
  },
  resumePort: {
    kind: 'integer',
    default: 0,
    min: 0,
    max: 65_535,
    what: 'port of the resume host; 0 takes a free one',
    source: ours,
  },
  resumeAddress: {
    kind: 'address',
    default: '127.0.0.1',
    what: 'where the resume host listens, for libraries that ignore ports: another address of 127.0.0.0/8',
    source: ours,
  },
  voicePort: {
    kind: 'integer',
    default: 0,
    min: 0,
    max: 65_535,
    what: 'port of the voice gateway, which is there with `tls`; 0 takes a free one',
    source: ours,
  },
  voiceAddress: {
    kind: 'address',
    default: '127.0.0.1',
    what: 'where the voice gateway listens, for libraries that ignore ports: another address of 127.0.0.0/8',
    source: ours,
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
    source: ours,
  },
  names: {
    kind: 'choice',
    default: 'addresses',
    choices: ['addresses', 'discord'],
    what: "what URLs name: addresses, or Discord's own hosts, which a hosts file has to lead here",
    source: ours,
  },
  token: {
    kind: 'token',
    default: defaultToken,
    what: "the bot's token, any at all; the id of a bot that it names, as Discord's do, becomes that of the emulated bot",
    source: 'ours, made like Discord’s; without one `emulator-token`, the default of 0.1.0, is taken too',
  },
  shards: {
    kind: 'integer',
    default: 1,
    min: 1,
    max: 100_000,
    what: 'what `/gateway/bot` recommends, rounded up to a multiple of `shardCountMultiple`',
    source: ours,
  },
  guilds: {
    kind: 'integer',
    default: 0,
    defaultSaid: '4 per shard',
    min: 0,
    max: 1_000_000,
    what: 'guilds of the world',
    source: ours,
  },
  members: {
    kind: 'integer',
    default: 5,
    min: 0,
    max: 100_000,
    what: 'members per guild in the beginning, beside the bot',
    source: ours,
  },
  rate: {
    kind: 'number',
    default: 0,
    min: 0,
    max: 1_000_000,
    what: 'events of traffic per second from the start; 0 none',
    source: ours,
  },
  mix: {
    kind: 'mix',
    default: '{ messages: 1 }',
    what: `what the traffic consists of, by weight: ${trafficKinds.join(', ')}`,
    source: ours,
  },
  directEvery: {
    kind: 'integer',
    default: 0,
    min: 0,
    max: unbounded,
    what: 'one message in so many is a direct one, which goes to shard 0; 0 none',
    source: ours,
  },
  seed: {
    kind: 'integer',
    default: 1,
    min: 0,
    max: 2 ** 32 - 1,
    what: 'makes world, traffic and session ids',
    source: ours,
  },
  maxConcurrency: {
    kind: 'integer',
    default: defaultRules.maxConcurrency,
    min: 1,
    max: 100_000,
    what: 'IDENTIFYs admitted per window, one for each key `shard_id % maxConcurrency`',
    source: 'documented; 1 is what a small bot gets',
  },
  identifyWindowMs: {
    kind: 'integer',
    default: defaultRules.identifyWindowMs,
    min: 0,
    max: day,
    what: 'length of an identify window',
    source: 'documented',
  },
  earlyIdentifyDelayMs: {
    kind: 'integer',
    default: defaultRules.earlyIdentifyDelayMs,
    min: 0,
    max: day,
    what: 'how long an IDENTIFY that came too early waits for its op 9; it costs a session start',
    source: 'a third party: "after a few seconds"; the cost is our reading',
  },
  sessionStartLimit: {
    kind: 'integer',
    default: defaultRules.sessionStartLimit,
    defaultSaid: '1000; above 150 000 guilds `max(2000, guilds / 1000 * 5)`',
    min: 0,
    max: unbounded,
    what: 'session starts per period; one too many closes all sessions with 4003 and kills the token',
    source: 'documented',
  },
  sessionStartPeriodMs: {
    kind: 'integer',
    default: defaultRules.sessionStartPeriodMs,
    min: 1,
    max: 1_000 * day,
    what: 'the period of the session starts',
    source: 'documented',
  },
  sessionTtlMs: {
    kind: 'integer',
    default: defaultRules.sessionTtlMs,
    min: 0,
    max: 1_000 * day,
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
    kind: 'integer',
    default: defaultRules.replayBufferBytes,
    min: 0,
    max: unbounded,
    what: 'characters of JSON kept per session, however few events they are',
    source: ours,
  },
  heartbeatIntervalMs: {
    kind: 'integer',
    default: defaultRules.heartbeatIntervalMs,
    min: 10,
    max: day,
    what: '`heartbeat_interval` of HELLO',
    source: 'unofficial documentation and captures',
  },
  heartbeatTimeoutMs: {
    kind: 'integer',
    default: defaultRules.heartbeatTimeoutMs,
    defaultSaid: '1.5 intervals',
    min: 10,
    max: 2 * day,
    what: 'closes with 4009 after so long without a heartbeat',
    source: 'not documented; a third party saw 60 s pass',
  },
  maxPayloadBytes: {
    kind: 'integer',
    default: defaultRules.maxPayloadBytes,
    min: 64,
    max: 1_048_576,
    what: 'bytes of a payload beyond which it closes with 4002',
    source: 'documented; unofficially 15 KiB pass in practice',
  },
  maxSends: {
    kind: 'integer',
    default: defaultRules.maxSends,
    min: 1,
    max: unbounded,
    what: 'payloads per socket and period, heartbeats included, beyond which it closes with 4008',
    source: 'documented; that it counts per socket and includes heartbeats is from staff',
  },
  sendPeriodMs: {
    kind: 'integer',
    default: defaultRules.sendPeriodMs,
    min: 1,
    max: day,
    what: 'that period; it begins with the first payload after the last one ended',
    source: 'documented; its beginning is our reading',
  },
  maxGuildsPerShard: {
    kind: 'integer',
    default: defaultRules.maxGuildsPerShard,
    min: 0,
    max: 1_000_000,
    what: 'guilds per shard beyond which IDENTIFY closes with 4011',
    source: 'documented',
  },
  shardCountMultiple: {
    kind: 'integer',
    default: defaultRules.shardCountMultiple,
    defaultSaid: '1; above 150 000 guilds 16',
    min: 1,
    max: 100_000,
    what: 'large bots: 4010 unless the shard count is a multiple of it',
    source: 'the rule is documented, 16 is from staff',
  },
  disallowedIntents: {
    kind: 'integer',
    default: defaultRules.disallowedIntents,
    min: 0,
    max: 2 ** 31 - 1,
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
    kind: 'integer',
    default: defaultRules.doubleAttachCloseCode,
    min: 4_000,
    max: 4_999,
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
    kind: 'integer',
    default: defaultRules.reconnectGraceMs,
    min: 0,
    max: day,
    what: 'how long a socket may stay after op 7 before it is closed with 4000',
    source: 'documented as "a few seconds"',
  },
  membersPeriodMs: {
    kind: 'integer',
    default: defaultRules.membersPeriodMs,
    min: 0,
    max: day,
    what: 'how often all members of a guild may be asked for (op 8); sooner is answered with RATE_LIMITED',
    source: 'documented',
  },
  helloDelayMs: {
    kind: 'integer',
    default: 0,
    min: 0,
    max: 60_000,
    what: 'how long after the upgrade HELLO comes; seyfert loses one that comes in the same packet as the answer to the upgrade',
    source: 'ours: at once',
  },
  maxSocketBufferBytes: {
    kind: 'integer',
    default: 16 * 1_048_576,
    min: 65_536,
    max: unbounded,
    what: 'bytes that may wait for a client that does not read; beyond it its socket is cut',
    source: ours,
  },
  ledgerEvents: {
    kind: 'integer',
    default: defaultLedgerLimits.events,
    min: 10,
    max: 10_000_000,
    what: 'events the ledger keeps one by one; older ones are settled into counts',
    source: ours,
  },
};
