/** The raw guilds of a shard, for hosts of other libraries: kept up to date, given as GUILD_CREATE, moved in parts. */
export { KEEP_ALL } from './people.js';
export type { PeopleLimits } from './people.js';
export { guildCreateOf } from './raw-guild.js';
export type { RawGuild } from './raw-guild.js';
export { emptyState, reduce } from './reduce.js';
export type { RawDispatch, ShardState } from './reduce.js';
export { IncomingGuilds, OutgoingGuilds } from './transfer.js';
export type { GuildPart } from './transfer.js';
