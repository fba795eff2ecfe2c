/**
 * The options of the emulator, checked by `optionTable`. Unknown names and impossible values are refused with the name
 * of the option, before anything listens.
 */
import { isIP } from 'node:net';
import { nearest } from '@dshard/protocol';
import { defaultRules, type GatewayRules } from './core/rules.js';
import { EmulatorError } from './errors.js';
import { defaultLedgerLimits, type LedgerLimits } from './ledger/ledger.js';
import { optionTable } from './option-table.js';
import { messagesOnly, problemOfMix, type TrafficMix } from './world/traffic-mix.js';

export type EmulatorOptions = {
  /** Port of HTTP and gateway; 0 takes a free one. Default 0. */
  port?: number;
  /** Where gateway and HTTP listen: loopback, or a private address of this machine. Default 127.0.0.1. */
  address?: string;
  /** Port of the resume host; 0 takes a free one. Default 0. */
  resumePort?: number;
  /** Where the resume host listens, for libraries that ignore ports: an address of 127.0.0.0/8. Default `address`. */
  resumeAddress?: string;
  /** Port of the voice gateway, which is there with `tls`; 0 takes a free one. Default 0. */
  voicePort?: number;
  /** Where it listens: an address of 127.0.0.0/8. Default 127.0.0.1. */
  voiceAddress?: string;
  /** `wss` and `https`, with a certificate by an authority of its own (`gateway.ca`). Default false. */
  tls?: boolean;
  /** Where that authority's certificate is written. Default a temporary file, removed at the end. */
  caFile?: string;
  /** What URLs name: addresses, or Discord's own hosts, which a hosts file has to lead here. Default `addresses`. */
  names?: 'addresses' | 'discord';
  /** The bot's token. If it is made like Discord's, the bot has the id that it names. Default: one that is. */
  token?: string;
  /** What `/gateway/bot` recommends, rounded up to a multiple of `shardCountMultiple`. Default 1. */
  shards?: number;
  /** Guilds of the world. Default four per recommended shard. */
  guilds?: number;
  /** Members per guild in the beginning, beside the bot. Default 5. */
  members?: number;
  /** Events of traffic per second from the start; 0 none. Default 0. */
  rate?: number;
  /** What the traffic consists of, by weight: `{ messages: 8, reactions: 2 }`. Default messages only. */
  mix?: TrafficMix;
  /** One message in so many is a direct one (shard 0); 0 none. Default 0. */
  directEvery?: number;
  /** Makes world, traffic and session ids. Default 1. */
  seed?: number;
  /** IDENTIFYs admitted per window: keys are `shard_id % maxConcurrency`. Default 1. */
  maxConcurrency?: number;
  /** Length of an identify window. Default 5000. */
  identifyWindowMs?: number;
  /** How long an IDENTIFY that came too early waits for its op 9. Default 2000. */
  earlyIdentifyDelayMs?: number;
  /** Session starts per period. Default 1000; above 150 000 guilds `max(2000, guilds / 1000 * 5)`. */
  sessionStartLimit?: number;
  /** The period of the session starts. Default 24 h. */
  sessionStartPeriodMs?: number;
  /** How long a session without a socket can be resumed. Default 90 000. */
  sessionTtlMs?: number;
  /** Events kept per session for RESUME, or `by-guilds`: `max(100, min(3500, guilds * 75))`. Default 1000. */
  replayBuffer?: number | 'by-guilds';
  /** Characters of JSON kept per session, whatever their number. Default 64 Mi. */
  replayBufferBytes?: number;
  /** `heartbeat_interval` of HELLO. Default 41 250. */
  heartbeatIntervalMs?: number;
  /** Closes with 4009 after so long without a heartbeat. Default one and a half intervals. */
  heartbeatTimeoutMs?: number;
  /** Bytes of a payload beyond which it closes with 4002. Default 4096. */
  maxPayloadBytes?: number;
  /** Payloads per `sendPeriodMs` and socket beyond which it closes with 4008. Default 120. */
  maxSends?: number;
  /** Default 60 000. */
  sendPeriodMs?: number;
  /** Guilds per shard beyond which IDENTIFY closes with 4011. Default 2500. */
  maxGuildsPerShard?: number;
  /** For large bots: 4010 unless the shard count is a multiple of it. Default 1; above 150 000 guilds 16. */
  shardCountMultiple?: number;
  /** Intent bits that were not granted: 4014. Default 0. */
  disallowedIntents?: number;
  /** What becomes of the socket whose session is resumed elsewhere. Default `close-old`. */
  doubleAttach?: GatewayRules['doubleAttach'];
  /** The code it is closed with. Default 4006. */
  doubleAttachCloseCode?: number;
  /** Whether RESUME may have `Bot ` before its token. Default `either`. */
  resumeToken?: GatewayRules['resumeToken'];
  /** How long a socket may stay after op 7. Default 5000. */
  reconnectGraceMs?: number;
  /** How often all members of a guild may be asked for (op 8). Default 30 000. */
  membersPeriodMs?: number;
  /** Bytes that may wait for a client that does not read; beyond it its socket is cut. Default 16 MiB. */
  maxSocketBufferBytes?: number;
  /** How long after the upgrade HELLO comes. Default 0. */
  helloDelayMs?: number;
  /** Events the ledger keeps one by one; older ones are settled into counts. Default 500 000. */
  ledgerEvents?: number;
};

/** Those that are not among the rules of the gateway, or the bounds of the ledger. */
export type ResolvedOptions = Required<Omit<EmulatorOptions, 'caFile' | 'ledgerEvents' | keyof GatewayRules>> & {
  /** Null: a temporary file. */
  caFile: string | null;
  rules: GatewayRules;
  ledger: LedgerLimits;
};

type NumberOption = {
  [Name in keyof EmulatorOptions]-?: Exclude<EmulatorOptions[Name], undefined> extends number ? Name : never;
}[keyof EmulatorOptions];

/** More guilds than that make a large bot, with rules of its own ("Gateway: Sharding for Large Bots"). */
const largeBotGuilds = 150_000;
/** Loopback and private networks: the emulator has no secrets, and no business on the internet. */
const NEAR = /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./;
/** What large bots were first assigned (discord-api-docs#387). */
const largeBotMultiple = 16;

/** Checks and completes. Throws `DSO_EMULATOR_BAD_OPTION`. */
export function resolveOptions(options: EmulatorOptions): ResolvedOptions {
  refuseUnknown(Object.keys(options));
  const read = (name: NumberOption, fallback?: number): number => readNumber(name, options[name], fallback);
  const asked = read('shards');
  const guilds = read('guilds', asked * 4);
  const large = guilds > largeBotGuilds;
  const shardCountMultiple = read('shardCountMultiple', large ? largeBotMultiple : undefined);
  const shards = Math.ceil(asked / shardCountMultiple) * shardCountMultiple;
  const heartbeatIntervalMs = read('heartbeatIntervalMs');
  return {
    port: read('port'),
    address: readAddress('address', options.address),
    resumePort: read('resumePort'),
    resumeAddress: readAddress('resumeAddress', options.resumeAddress ?? options.address),
    voicePort: read('voicePort'),
    voiceAddress: readAddress('voiceAddress', options.voiceAddress),
    ...readTls(options),
    names: readNames(options.names),
    token: readToken(options.token),
    shards,
    guilds,
    members: read('members'),
    rate: read('rate'),
    mix: readMix(options.mix ?? messagesOnly),
    directEvery: read('directEvery'),
    seed: read('seed'),
    maxSocketBufferBytes: read('maxSocketBufferBytes'),
    helloDelayMs: read('helloDelayMs'),
    ledger: { ...defaultLedgerLimits, events: read('ledgerEvents') },
    rules: {
      heartbeatIntervalMs,
      heartbeatTimeoutMs: read('heartbeatTimeoutMs', heartbeatIntervalMs * 1.5),
      maxConcurrency: read('maxConcurrency'),
      identifyWindowMs: read('identifyWindowMs'),
      earlyIdentifyDelayMs: read('earlyIdentifyDelayMs'),
      sessionStartLimit: read('sessionStartLimit', large ? Math.max(2_000, Math.floor(guilds / 1_000) * 5) : undefined),
      sessionStartPeriodMs: read('sessionStartPeriodMs'),
      sessionTtlMs: read('sessionTtlMs'),
      replayBuffer: readReplayBuffer(options.replayBuffer),
      replayBufferBytes: read('replayBufferBytes'),
      maxPayloadBytes: read('maxPayloadBytes'),
      maxSends: read('maxSends'),
      sendPeriodMs: read('sendPeriodMs'),
      maxGuildsPerShard: read('maxGuildsPerShard'),
      shardCountMultiple,
      disallowedIntents: read('disallowedIntents'),
      doubleAttach: readDoubleAttach(options.doubleAttach),
      doubleAttachCloseCode: read('doubleAttachCloseCode'),
      resumeToken: readResumeToken(options.resumeToken),
      reconnectGraceMs: read('reconnectGraceMs'),
      membersPeriodMs: read('membersPeriodMs'),
    },
  };
}

function refuseUnknown(names: readonly string[]): void {
  const known = Object.keys(optionTable);
  for (const name of names) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    throw badOption(`there is no option "${name}"${close === null ? '' : `; did you mean "${close}"?`}`);
  }
}

function readNumber(name: keyof EmulatorOptions, value: number | undefined, fallback?: number): number {
  const spec = optionTable[name];
  if (!('min' in spec)) throw badOption(`"${name}" is no number`);
  if (value === undefined) return fallback ?? Number(spec.default);
  const fraction = spec.kind === 'number';
  const fits = fraction ? Number.isFinite(value) : Number.isSafeInteger(value);
  if (fits && value >= spec.min && value <= spec.max) return value;
  const or = spec.kind === 'integer-or-word' ? `${spec.word} or ` : '';
  const kind = fraction ? 'a number' : 'an integer';
  throw badOption(`"${name}" is ${String(value)}, but must be ${or}${kind} from ${spec.min} to ${spec.max}`);
}

function readToken(token: string = optionTable.token.default.toString()): string {
  if (typeof token === 'string' && token !== '' && !token.startsWith('Bot ')) return token;
  throw badOption('"token" must be a string that is not empty and does not begin with "Bot "');
}

function readAddress(name: keyof EmulatorOptions, value: string = String(optionTable[name].default)): string {
  if (typeof value === 'string' && isIP(value) === 4 && NEAR.test(value)) return value;
  throw badOption(`"${name}" is ${value}, but must be an address of loopback or of a private network (10.0.0.0/8 …)`);
}

function readTls({ tls = false, caFile }: EmulatorOptions): { tls: boolean; caFile: string | null } {
  if (typeof tls !== 'boolean') throw badOption(`"tls" is ${String(tls)}, but must be true or false`);
  if (caFile === undefined) return { tls, caFile: null };
  if (typeof caFile !== 'string' || caFile === '') throw badOption('"caFile" must be the path of a file');
  if (!tls) throw badOption('"caFile" needs "tls": without it there is no certificate to write');
  return { tls, caFile };
}

function readNames(value: EmulatorOptions['names'] = 'addresses'): ResolvedOptions['names'] {
  if (value === 'addresses' || value === 'discord') return value;
  throw badOption(`"names" is ${String(value)}, but must be addresses or discord`);
}

function readMix(mix: TrafficMix): TrafficMix {
  const problem = problemOfMix(mix);
  if (problem === null) return { ...mix };
  throw badOption(`"mix" cannot be used: ${problem}`);
}

function readReplayBuffer(value: EmulatorOptions['replayBuffer']): number | 'by-guilds' {
  return value === 'by-guilds' ? value : readNumber('replayBuffer', value);
}

function readDoubleAttach(value: GatewayRules['doubleAttach'] = 'close-old'): GatewayRules['doubleAttach'] {
  const spec = optionTable.doubleAttach;
  if (spec.kind === 'choice' && spec.choices.includes(value)) return value;
  throw badOption(`"doubleAttach" is ${value}, but must be close-old, silence-old or keep-both`);
}

function readResumeToken(value: GatewayRules['resumeToken'] = defaultRules.resumeToken): GatewayRules['resumeToken'] {
  if (value === 'either' || value === 'bare') return value;
  throw badOption(`"resumeToken" is ${String(value)}, but must be either or bare`);
}

function badOption(problem: string): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_OPTION', `The emulator cannot start: ${problem}.`);
}
