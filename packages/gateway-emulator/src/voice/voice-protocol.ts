/** The numbers of Discord's voice gateway, versions 4 to 8 ("Opcodes and Status Codes: Voice", "Voice Connections"). */

export const voiceOpcodes = {
  identify: 0,
  selectProtocol: 1,
  ready: 2,
  heartbeat: 3,
  sessionDescription: 4,
  speaking: 5,
  heartbeatAck: 6,
  resume: 7,
  hello: 8,
  resumed: 9,
  clientsConnect: 11,
  clientDisconnect: 13,
} as const;

/** What clients may send besides, and gets no answer: video, sink wants, code version, platform, DAVE. */
export const ignoredVoiceOpcodes: readonly number[] = [12, 15, 16, 20, 23, 26, 28, 31];

/** What the voice gateway closes a socket with. Each comment is the cause. */
export const voiceCloseCodes = {
  /** An opcode that clients may not send. */
  unknownOpcode: 4001,
  /** Not JSON, or a payload that does not fit its opcode. */
  decodeError: 4002,
  /** A payload before IDENTIFY or RESUME. */
  notAuthenticated: 4003,
  /** A wrong token or user in IDENTIFY. */
  authenticationFailed: 4004,
  /** IDENTIFY or RESUME on a socket that has a session. */
  alreadyAuthenticated: 4005,
  /** A session that is over, was replaced, or that the bot has left. */
  sessionInvalid: 4006,
  /** No heartbeat in time. */
  sessionTimedOut: 4009,
  /** A guild in whose voice channels the bot is not. */
  serverNotFound: 4011,
  /** A protocol other than UDP; a version that is not served. */
  unknownProtocol: 4012,
  /** The bot left the channel, or its gateway session ended. It must not reconnect. */
  disconnected: 4014,
  /** The voice server crashed: RESUME. */
  serverCrashed: 4015,
  /** A mode that is not offered. */
  unknownMode: 4016,
} as const;

/** From which version on messages are numbered, heartbeats carry `seq_ack`, and RESUME brings what was missed. */
export const bufferedSince = 8;
export const servedVoiceVersions: readonly number[] = [4, 5, 6, 7, 8];

/** The first is preferred, the second has to be there. Both need what Node or a library of the bot's has. */
export const voiceModes: readonly string[] = ['aead_aes256_gcm_rtpsize', 'aead_xchacha20_poly1305_rtpsize'];

/** End-to-end encryption is not spoken: version 0 of DAVE is none. */
export const daveVersion = 0;
