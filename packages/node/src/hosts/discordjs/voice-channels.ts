/**
 * The voice channels that the bot is in because it wanted to: recorded when it joins (op 4), forgotten when it leaves,
 * or is put out of one. They move with their shard. The session, and with it the bot's place in the channel, lives
 * through a move, but the voice connection dies with the process; so where the shard arrives op 4 is sent again, and
 * Discord answers with the two events by which a voice library connects.
 */
import type {
  GatewayDispatchPayload,
  GatewayOpcodes,
  GatewaySendPayload,
  GatewayVoiceState,
  GatewayVoiceStateUpdateData,
} from 'discord-api-types/v10';

const VOICE_OPCODE: GatewayOpcodes.VoiceStateUpdate = 4;

export type JoinedChannel = GatewayVoiceStateUpdateData;

/** `isInherited`: it was joined in another process, and not yet here. */
type Joined = { shardId: number; channel: JoinedChannel; isInherited: boolean };

export class VoiceChannels {
  /** By guild. */
  readonly #joined = new Map<string, Joined>();

  /** The bot sends something to Discord. */
  sent(shardId: number, payload: GatewaySendPayload): void {
    if (payload.op !== VOICE_OPCODE) return;
    const { d: channel } = payload;
    if (channel.channel_id === null) this.#joined.delete(channel.guild_id);
    else this.#joined.set(channel.guild_id, { shardId, channel, isInherited: false });
  }

  /** Where Discord says that the bot is: it may have been moved, or put out. Sessions that are over do not count. */
  happened(
    shardId: number,
    { t, d }: GatewayDispatchPayload,
    selfId: string | undefined,
    sessionId: string | undefined,
  ): void {
    if ((t as string) !== 'VOICE_STATE_UPDATE') return;
    const state = d as GatewayVoiceState;
    const { guild_id, channel_id, self_mute, self_deaf } = state;
    if (state.user_id !== selfId || state.session_id !== sessionId || guild_id === undefined) return;
    const { isInherited = false } = this.#joined.get(guild_id) ?? {};
    if (channel_id === null) this.#joined.delete(guild_id);
    else this.#joined.set(guild_id, { shardId, channel: { guild_id, channel_id, self_mute, self_deaf }, isInherited });
  }

  of(shardId: number): readonly JoinedChannel[] {
    return this.#of(shardId).map(({ channel }) => channel);
  }

  /** The shard comes here, and was in this channel where it ran before. */
  inherit(shardId: number, channel: JoinedChannel): void {
    this.#joined.set(channel.guild_id, { shardId, channel, isInherited: true });
  }

  /** Those that nobody has joined here. */
  inherited(shardId: number): readonly JoinedChannel[] {
    return this.#of(shardId).flatMap(({ channel, isInherited }) => (isInherited ? [channel] : []));
  }

  #of(shardId: number): readonly Joined[] {
    return [...this.#joined.values()].filter((joined) => joined.shardId === shardId);
  }

  /** The shard left. */
  left(shardId: number): void {
    for (const [guildId, joined] of this.#joined) {
      if (joined.shardId === shardId) this.#joined.delete(guildId);
    }
  }
}

/** The payloads that join them again. */
export function joining(channels: readonly JoinedChannel[]): readonly GatewaySendPayload[] {
  return channels.map((d) => ({ op: VOICE_OPCODE, d }));
}
