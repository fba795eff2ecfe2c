/**
 * The options of the emulator, their defaults and bounds, in one table. Unknown names and impossible values are refused
 * with the name of the option, before anything listens.
 */
import type { GatewayRules } from './core/rules.js';
import { EmulatorError } from './errors.js';
import type { LedgerLimits } from './ledger/ledger.js';
import { defaultLedgerLimits } from './ledger/ledger.js';
import type { TrafficMix } from './world/traffic-mix.js';
import { messagesOnly, problemOfMix } from './world/traffic-mix.js';

export type EmulatorOptions = {
  /** Port of HTTP and gateway; 0 takes a free one. Default 0. */
  port?: number;
  /** Port of the resume host; 0 takes a free one. Default 0. */
  resumePort?: number;
  /** The bot's token. Default `emulator-token`. */
  token?: string;
  /** What `/gateway/bot` recommends. Default 1. */
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
  /** Session starts per period. Default 1000. */
  sessionStartLimit?: number;
  /** The period of the session starts. Default 24 h. */
  sessionStartPeriodMs?: number;
  /** How long a session without a socket can be resumed. Default 90 000. */
  sessionTtlMs?: number;
  /** Events kept per session for RESUME, or `by-guilds`: `max(100, min(3500, guilds * 75))`. Default 1000. */
  replayBuffer?: number | 'by-guilds';
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
  /** For large bots: 4010 unless the shard count is a multiple of it. Default 1. */
  shardCountMultiple?: number;
  /** Intent bits that were not granted: 4014. Default 0. */
  disallowedIntents?: number;
  /** What becomes of the socket whose session is resumed elsewhere. Default `close-old`. */
  doubleAttach?: 'close-old' | 'silence-old';
  /** The code it is closed with. Default 4006. */
  doubleAttachCloseCode?: number;
  /** How long a socket may stay after op 7. Default 5000. */
  reconnectGraceMs?: number;
  /** Bytes that may wait for a client that does not read; beyond it its socket is cut. Default 16 MiB. */
  maxSocketBufferBytes?: number;
  /** Events the ledger keeps one by one; older ones are settled into counts. Default 500 000. */
  ledgerEvents?: number;
};

export type ResolvedOptions = {
  port: number;
  resumePort: number;
  token: string;
  shards: number;
  guilds: number;
  members: number;
  rate: number;
  mix: TrafficMix;
  directEvery: number;
  seed: number;
  maxSocketBufferBytes: number;
  rules: GatewayRules;
  ledger: LedgerLimits;
};

type NumberSpec = { default: number; min: number; max: number; fraction?: true };

const day = 24 * 60 * 60 * 1000;

const numbers = {
  port: { default: 0, min: 0, max: 65_535 },
  resumePort: { default: 0, min: 0, max: 65_535 },
  shards: { default: 1, min: 1, max: 100_000 },
  guilds: { default: 0, min: 0, max: 1_000_000 },
  members: { default: 5, min: 0, max: 100_000 },
  rate: { default: 0, min: 0, max: 1_000_000, fraction: true },
  directEvery: { default: 0, min: 0, max: Number.MAX_SAFE_INTEGER },
  seed: { default: 1, min: 0, max: 2 ** 32 - 1 },
  maxConcurrency: { default: 1, min: 1, max: 100_000 },
  identifyWindowMs: { default: 5_000, min: 0, max: day },
  earlyIdentifyDelayMs: { default: 2_000, min: 0, max: day },
  sessionStartLimit: { default: 1_000, min: 0, max: Number.MAX_SAFE_INTEGER },
  sessionStartPeriodMs: { default: day, min: 1, max: 1_000 * day },
  sessionTtlMs: { default: 90_000, min: 0, max: 1_000 * day },
  heartbeatIntervalMs: { default: 41_250, min: 10, max: day },
  heartbeatTimeoutMs: { default: 0, min: 10, max: 2 * day },
  maxPayloadBytes: { default: 4_096, min: 64, max: 1_048_576 },
  maxSends: { default: 120, min: 1, max: Number.MAX_SAFE_INTEGER },
  sendPeriodMs: { default: 60_000, min: 1, max: day },
  maxGuildsPerShard: { default: 2_500, min: 0, max: 1_000_000 },
  shardCountMultiple: { default: 1, min: 1, max: 100_000 },
  disallowedIntents: { default: 0, min: 0, max: 2 ** 31 - 1 },
  doubleAttachCloseCode: { default: 4_006, min: 4_000, max: 4_999 },
  reconnectGraceMs: { default: 5_000, min: 0, max: day },
  maxSocketBufferBytes: { default: 16 * 1_048_576, min: 65_536, max: Number.MAX_SAFE_INTEGER },
  ledgerEvents: { default: defaultLedgerLimits.events, min: 10, max: 10_000_000 },
} as const satisfies Record<string, NumberSpec>;

type NumberOption = keyof typeof numbers;

const otherOptions = ['token', 'mix', 'replayBuffer', 'doubleAttach'];

/** Checks and completes. Throws `DSO_EMULATOR_BAD_OPTION`. */
export function resolveOptions(options: EmulatorOptions): ResolvedOptions {
  refuseUnknown(Object.keys(options));
  const read = (name: NumberOption): number => readNumber(name, options[name], numbers[name]);
  const shards = read('shards');
  const heartbeatIntervalMs = read('heartbeatIntervalMs');
  return {
    port: read('port'),
    resumePort: read('resumePort'),
    token: readToken(options.token ?? 'emulator-token'),
    shards,
    guilds: options.guilds === undefined ? shards * 4 : read('guilds'),
    members: read('members'),
    rate: read('rate'),
    mix: readMix(options.mix ?? messagesOnly),
    directEvery: read('directEvery'),
    seed: read('seed'),
    maxSocketBufferBytes: read('maxSocketBufferBytes'),
    ledger: { ...defaultLedgerLimits, events: read('ledgerEvents') },
    rules: {
      heartbeatIntervalMs,
      heartbeatTimeoutMs:
        options.heartbeatTimeoutMs === undefined ? heartbeatIntervalMs * 1.5 : read('heartbeatTimeoutMs'),
      maxConcurrency: read('maxConcurrency'),
      identifyWindowMs: read('identifyWindowMs'),
      earlyIdentifyDelayMs: read('earlyIdentifyDelayMs'),
      sessionStartLimit: read('sessionStartLimit'),
      sessionStartPeriodMs: read('sessionStartPeriodMs'),
      sessionTtlMs: read('sessionTtlMs'),
      replayBuffer: readReplayBuffer(options.replayBuffer ?? 1_000),
      maxPayloadBytes: read('maxPayloadBytes'),
      maxSends: read('maxSends'),
      sendPeriodMs: read('sendPeriodMs'),
      maxGuildsPerShard: read('maxGuildsPerShard'),
      shardCountMultiple: read('shardCountMultiple'),
      disallowedIntents: read('disallowedIntents'),
      doubleAttach: readDoubleAttach(options.doubleAttach ?? 'close-old'),
      doubleAttachCloseCode: read('doubleAttachCloseCode'),
      reconnectGraceMs: read('reconnectGraceMs'),
    },
  };
}

function refuseUnknown(names: readonly string[]): void {
  const known = [...Object.keys(numbers), ...otherOptions];
  for (const name of names) {
    if (known.includes(name)) continue;
    const close = known.find((candidate) => candidate.toLowerCase().startsWith(name.toLowerCase().slice(0, 4)));
    throw badOption(`there is no option "${name}"${close === undefined ? '' : `; did you mean "${close}"?`}`);
  }
}

function readNumber(name: string, value: number | undefined, spec: NumberSpec): number {
  if (value === undefined) return spec.default;
  const fits = spec.fraction ? Number.isFinite(value) : Number.isSafeInteger(value);
  if (!fits || value < spec.min || value > spec.max) {
    throw badOption(
      `"${name}" is ${String(value)}, but must be ${spec.fraction ? 'a number' : 'an integer'} from ${spec.min} to ${spec.max}`,
    );
  }
  return value;
}

function readToken(token: string): string {
  if (typeof token === 'string' && token !== '' && !token.startsWith('Bot ')) return token;
  throw badOption('"token" must be a string that is not empty and does not begin with "Bot "');
}

function readMix(mix: TrafficMix): TrafficMix {
  const problem = problemOfMix(mix);
  if (problem === null) return { ...mix };
  throw badOption(`"mix" cannot be used: ${problem}`);
}

function readReplayBuffer(value: number | 'by-guilds'): number | 'by-guilds' {
  return value === 'by-guilds' ? value : readNumber('replayBuffer', value, { default: 0, min: 0, max: 1_000_000 });
}

function readDoubleAttach(value: 'close-old' | 'silence-old'): 'close-old' | 'silence-old' {
  if (value === 'close-old' || value === 'silence-old') return value;
  throw badOption(`"doubleAttach" is ${String(value)}, but must be close-old or silence-old`);
}

function badOption(problem: string): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_OPTION', `The emulator cannot start: ${problem}.`);
}
