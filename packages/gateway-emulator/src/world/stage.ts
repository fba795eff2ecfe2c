/**
 * What people and the bot act upon: the world, its books, the time, and the way events take to the gateway; and where
 * on it somebody does something.
 */
import type { Clock, Random } from '@dshard/transport';
import type { TrafficEvent } from '../core/dispatch.js';
import { badRequest } from '../errors.js';
import { Commands } from './commands.js';
import type { Guild } from './guild.js';
import { Interactions } from './interactions.js';
import { somebody, type EventMeta } from './member-events.js';
import { MessageBook } from './message-book.js';
import { RestActions } from './rest-actions.js';
import { snowflakeSource, type SnowflakeSource } from './snowflakes.js';
import type { User } from './users.js';
import type { World } from './world.js';

export type Stage = {
  readonly world: World;
  readonly clock: Clock;
  readonly random: Random;
  readonly nextId: SnowflakeSource;
  readonly commands: Commands;
  readonly messages: MessageBook;
  readonly interactions: Interactions;
  readonly posted: RestActions;
  readonly emit: (event: TrafficEvent) => void;
};

export function setStage(init: Pick<Stage, 'world' | 'clock' | 'random' | 'emit'>): Stage {
  const nextId = snowflakeSource();
  const { applicationId } = init.world;
  return {
    ...init,
    nextId,
    commands: new Commands({ applicationId, nextId, now: () => init.clock.now() }),
    messages: new MessageBook(),
    interactions: new Interactions(),
    posted: new RestActions(),
  };
}

// Where somebody does something, and who. Throws `DSO_EMULATOR_BAD_REQUEST` for what is not there.

/** What is left out is the first guild, its first text channel, somebody by chance. */
export type Place = { guildId?: string; channelId?: string; userId?: string; direct?: boolean };

export type Setting = { guild: Guild | null; channelId: string; user: User };

export class Places {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  meta(): EventMeta {
    const now = this.#stage.clock.now();
    return { id: this.#stage.nextId(now), now };
  }

  guild(guildId: string): Guild {
    const guild = this.#stage.world.guild(guildId);
    if (guild === null) throw badRequest(`there is no guild ${guildId}`);
    return guild;
  }

  memberGuild(guildId: string, userId: string): Guild {
    const guild = this.guild(guildId);
    if (guild.member(userId) === null) throw badRequest(`${userId} is not a member of guild ${guildId}`);
    return guild;
  }

  find({ guildId, channelId, userId, direct }: Place): Setting {
    const { world, random } = this.#stage;
    const conversation = channelId === undefined ? world.directChannels[0] : world.directChannel(channelId);
    if (
      conversation !== undefined &&
      conversation !== null &&
      (direct === true || channelId !== undefined || world.guildCount === 0)
    ) {
      return { guild: null, channelId: conversation.id, user: conversation.user };
    }
    const place = channelId === undefined ? null : world.channel(channelId);
    if (channelId !== undefined && place === null) throw badRequest(`there is no channel ${channelId}`);
    const guild = place?.guild ?? (guildId === undefined ? world.guildAt(0) : this.guild(guildId));
    if (guildId !== undefined && guild.id !== guildId)
      throw badRequest(`channel ${channelId} is not in guild ${guildId}`);
    const member = userId === undefined ? somebody(guild, random) : guild.member(userId);
    if (member === null) throw badRequest(`${userId} is not a member of guild ${guild.id}`);
    const channel = place?.channel.id ?? guild.textChannels[0]?.id;
    if (channel === undefined) throw badRequest(`guild ${guild.id} has no text channel`);
    return { guild, channelId: channel, user: member.user };
  }
}
