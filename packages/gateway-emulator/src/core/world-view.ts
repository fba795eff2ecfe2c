/**
 * What the gateway needs to know of the world, and nothing else of it: for READY and GUILD_CREATE, and to answer what
 * clients ask (members, soundboard sounds, channel info, voice). `World` implements it; the simulator has a smaller
 * one.
 */

/** Who reads: decides what of a guild a session is shown. */
export type GuildReader = {
  intents: number;
  /** `large_threshold` of IDENTIFY: from so many members on, offline members are left out. */
  largeThreshold: number;
};

/** The bot's own voice state, as the `voice_states` of GUILD_CREATE have it. */
export type OwnVoiceState = {
  channel_id: string | null;
  user_id: string;
  session_id: string;
  deaf: boolean;
  mute: boolean;
  self_deaf: boolean;
  self_mute: boolean;
  self_video: boolean;
  suppress: boolean;
  request_to_speak_timestamp: null;
};

export type MemberView = {
  readonly userId: string;
  /** What a prefix query of REQUEST_GUILD_MEMBERS is held against: username, display name, nickname. */
  readonly names: readonly string[];
  /** The guild member object. */
  json(): string;
  /** The presence of the member as PRESENCE_UPDATE has it; null when offline. */
  presenceJson(): string | null;
};

export type GuildView = {
  readonly id: string;
  /** `guild_id >> 22`, which decides the shard. */
  readonly route: number;
  /** The `d` of GUILD_CREATE. `own`: the bot's voice state there; null: it is in no channel. */
  createJson(reader: GuildReader, own: OwnVoiceState | null): string;
  /** All of them, the bot included. */
  members(): readonly MemberView[];
  /** One of them; null when nobody of that id is there. */
  memberView(userId: string): MemberView | null;
  hasVoiceChannel(channelId: string): boolean;
  /** The guild's soundboard sounds, a JSON array. */
  soundboardJson(): string;
  /** Its voice channels, with what REQUEST_CHANNEL_INFO tells of them. */
  voiceChannels(): readonly { id: string; status: string | null; voiceStartTime: number | null }[];
};

export type WorldView = {
  /** The bot's user id. */
  readonly userId: string;
  /** JSON of the `user` of READY. */
  readonly userJson: string;
  /** JSON of the `application` of READY. */
  readonly applicationJson: string;
  /** The guilds of a shard by Discord's formula. */
  guildIdsOf(shard: number, count: number): readonly string[];
  guild(id: string): GuildView | null;
};
