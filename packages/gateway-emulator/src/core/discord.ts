/**
 * The numbers of Discord's gateway protocol: opcodes, close codes with their causes, intents.
 * Source: Discord's "Opcodes and Status Codes" and "Gateway", August 2026.
 */
export const opcodes = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  presenceUpdate: 3,
  voiceStateUpdate: 4,
  resume: 6,
  reconnect: 7,
  requestGuildMembers: 8,
  invalidSession: 9,
  hello: 10,
  heartbeatAck: 11,
  requestSoundboardSounds: 31,
  requestChannelInfo: 43,
} as const;

/** What the gateway closes a socket with. Each comment is the cause. */
export const closeCodes = {
  /** Anything else; also what `drop` and a RECONNECT that was not followed use. */
  unknownError: 4000,
  /** An opcode that clients may not send, or a payload that does not fit its opcode. */
  unknownOpcode: 4001,
  /** Not JSON, not an object with an opcode, or more than 4096 bytes. */
  decodeError: 4002,
  /** A payload before IDENTIFY or RESUME; or the session was invalidated while it was active. */
  notAuthenticated: 4003,
  /** A wrong or revoked token in IDENTIFY. */
  authenticationFailed: 4004,
  /** IDENTIFY or RESUME on a socket that has a session. */
  alreadyAuthenticated: 4005,
  /** No longer documented: the session was resumed on another socket. */
  sessionInvalid: 4006,
  /** RESUME with a sequence the session never reached. */
  invalidSeq: 4007,
  /** More than 120 payloads in 60 s on one socket. */
  rateLimited: 4008,
  /** No heartbeat in time, or the session was expired. */
  sessionTimedOut: 4009,
  /** A shard tuple that cannot be, or a shard count that large bots may not use. */
  invalidShard: 4010,
  /** The session would hold more guilds than one shard may. */
  shardingRequired: 4011,
  /** `v` names a gateway version that is not served. */
  invalidApiVersion: 4012,
  /** Intents missing, or bits that mean nothing. */
  invalidIntents: 4013,
  /** Intents the application was not granted. */
  disallowedIntents: 4014,
} as const;

/** Bits of `intents`, "Gateway: Gateway Intents". */
export const intents = {
  guilds: 0x1,
  guildMembers: 0x2,
  guildModeration: 0x4,
  guildExpressions: 0x8,
  guildIntegrations: 0x10,
  guildWebhooks: 0x20,
  guildInvites: 0x40,
  guildVoiceStates: 0x80,
  guildPresences: 0x100,
  guildMessages: 0x200,
  guildMessageReactions: 0x400,
  guildMessageTyping: 0x800,
  directMessages: 0x1000,
  directMessageReactions: 0x2000,
  directMessageTyping: 0x4000,
  messageContent: 0x8000,
  guildScheduledEvents: 0x10000,
  autoModerationConfiguration: 0x100000,
  autoModerationExecution: 0x200000,
  guildMessagePolls: 0x1000000,
  directMessagePolls: 0x2000000,
} as const;

/** Bits 0–16, 20, 21, 24 and 25 have a meaning. */
export const knownIntents: number = 0x1ffff | (0b11 << 20) | (0b11 << 24);

/** Gateway versions still served (3 to 5 are discontinued). */
export const servedVersions: readonly number[] = [6, 7, 8, 9, 10];

/** For a socket that names none. */
export const defaultVersion = 10;

/** Discord's epoch, the first second of 2015: snowflakes count milliseconds from here. */
export const discordEpochMs = 1_420_070_400_000;

/**
 * The hosts of Discord that an emulator stands in for, with `names: 'discord'`. Whoever uses them leads them to the
 * emulator by a hosts file.
 */
export const discordNames = {
  /** REST. */
  api: 'discord.com',
  gateway: 'gateway.discord.gg',
  resume: 'gateway-us-east1-b.discord.gg',
  voice: 'us-east1-emulated.discord.media',
} as const;
