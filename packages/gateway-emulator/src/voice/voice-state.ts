/**
 * The emulated voice gateway as plain data, beside the main one. What happens to it is a function of this folder.
 *
 * A **connection** is one websocket:
 *
 *     unidentified ──IDENTIFY, RESUME──▶ attached ──close code──▶ closing
 *
 * A **session** is the bot's in the voice channels of one guild; there is one per guild, with a socket or, for a
 * while, without:
 *
 *     started(ssrc) ──SELECT PROTOCOL──▶ ready(mode, key)
 *     any ──IDENTIFY again, the bot leaves or moves and does not change over, nobody resumes──▶ gone
 */
import type { Ms, Random } from '@dshard/transport';

export type VoiceRules = {
  heartbeatIntervalMs: number;
  /** Closes with 4009 after so long without a heartbeat. */
  heartbeatTimeoutMs: number;
  /** How long a session without a socket can be resumed. Not documented. */
  sessionTtlMs: number;
  /** How long a session stays after the bot was told of another server, so that it can change over. Not documented. */
  staleMs: number;
  /** Numbered messages kept for RESUME. Not documented. */
  bufferSize: number;
};

const defaultVoiceRules: VoiceRules = {
  heartbeatIntervalMs: 13_750,
  heartbeatTimeoutMs: 41_250,
  sessionTtlMs: 60_000,
  staleMs: 5_000,
  bufferSize: 256,
};

/** What the main gateway knows of the bot's place in a guild; it is asked, and never told. */
export type VoicePlaces = {
  readonly userId: string;
  /** Null: the bot is in no voice channel there. */
  placeIn(guildId: string): { channelId: string; sessionId: string; token: string } | null;
  /** Users in the channel, without the bot. */
  othersIn(guildId: string, channelId: string): readonly string[];
};

export type VoiceConnection = {
  readonly id: number;
  readonly version: number;
  session: VoiceSession | null;
  isClosing: boolean;
  heartbeatDueAt: Ms;
};

export type VoiceSession = {
  readonly guildId: string;
  readonly channelId: string;
  /** Of the bot's session at the main gateway. */
  readonly sessionId: string;
  readonly token: string;
  readonly ssrc: number;
  readonly version: number;
  /** What SELECT PROTOCOL agreed on; null before. */
  transport: { mode: string; secretKey: readonly number[]; address: string; port: number } | null;
  /** The speaking flags last sent. */
  speaking: number;
  /** Of the last numbered message. */
  seq: number;
  readonly buffer: { seq: number; text: string }[];
  others: Set<string>;
  /** Since when the bot has a newer place in that guild; null: it has not. */
  staleSince: Ms | null;
  attachment: { kind: 'attached'; connection: VoiceConnection } | { kind: 'detached'; expiresAt: Ms };
  readonly received: { packets: number; bytes: number };
  resumes: number;
};

export type VoiceState = {
  readonly rules: VoiceRules;
  readonly random: Random;
  readonly places: VoicePlaces;
  /** Where voice packets go. */
  udp: { address: string; port: number };
  readonly connections: Map<number, VoiceConnection>;
  /** By guild. */
  readonly sessions: Map<string, VoiceSession>;
};

export type VoiceEffect =
  | { kind: 'send'; connection: number; text: string }
  | { kind: 'close'; connection: number; code: number; reason: string }
  /** The socket ends without a close frame. */
  | { kind: 'cut'; connection: number };

export function createVoiceState(init: Pick<VoiceState, 'random' | 'places'> & { rules?: VoiceRules }): VoiceState {
  const { random, places, rules = defaultVoiceRules } = init;
  return { rules, random, places, udp: { address: '', port: 0 }, connections: new Map(), sessions: new Map() };
}
