/** The rules in force and their defaults: Discord's where documented, else our reading (see `options.ts`). */

export type GatewayRules = {
  heartbeatIntervalMs: number;
  heartbeatTimeoutMs: number;
  maxConcurrency: number;
  identifyWindowMs: number;
  earlyIdentifyDelayMs: number;
  sessionStartLimit: number;
  sessionStartPeriodMs: number;
  sessionTtlMs: number;
  /** Events per session; `by-guilds` follows Discord's formula of 2016. */
  replayBuffer: number | 'by-guilds';
  /** No more than so many characters of JSON in it. */
  replayBufferBytes: number;
  maxPayloadBytes: number;
  maxSends: number;
  sendPeriodMs: number;
  maxGuildsPerShard: number;
  /** Large bots: `num_shards` must be a multiple of it. 1 asks for nothing. */
  shardCountMultiple: number;
  disallowedIntents: number;
  doubleAttach: 'close-old' | 'silence-old' | 'keep-both';
  doubleAttachCloseCode: number;
  /** Whether RESUME may have `Bot ` before its token, as IDENTIFY may. */
  resumeToken: 'either' | 'bare';
  reconnectGraceMs: number;
  /** How often all members of a guild may be asked for (op 8). */
  membersPeriodMs: number;
};

export const defaultRules: GatewayRules = {
  heartbeatIntervalMs: 41_250,
  heartbeatTimeoutMs: 61_875,
  maxConcurrency: 1,
  identifyWindowMs: 5_000,
  earlyIdentifyDelayMs: 2_000,
  sessionStartLimit: 1_000,
  sessionStartPeriodMs: 86_400_000,
  sessionTtlMs: 90_000,
  replayBuffer: 1_000,
  replayBufferBytes: 67_108_864,
  maxPayloadBytes: 4_096,
  maxSends: 120,
  sendPeriodMs: 60_000,
  maxGuildsPerShard: 2_500,
  shardCountMultiple: 1,
  disallowedIntents: 0,
  doubleAttach: 'close-old',
  doubleAttachCloseCode: 4_006,
  resumeToken: 'either',
  reconnectGraceMs: 5_000,
  membersPeriodMs: 30_000,
};
