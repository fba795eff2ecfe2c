/** Guilds, their members and users, to read. */
import type { APIGuildMember } from 'discord-api-types/v10';
import { activeThreads } from '../../world/guild-create.js';
import { RestError } from '../../world/rest-error.js';
import type { Guild } from '../../world/guild.js';
import type { Stage } from '../../world/stage.js';
import { memberJson, userJson } from '../../world/users.js';
import type { RestCall, RestRoute } from './rest-router.js';

export function guildRoutes({ world }: Stage): RestRoute[] {
  const guildOf = ({ param }: RestCall): Guild => {
    const guild = world.guild(param('guild'));
    if (guild === null) throw new RestError('unknownGuild');
    return guild;
  };
  const read = (path: string, body: (guild: Guild, call: RestCall) => unknown): RestRoute => ({
    method: 'GET',
    path: `/guilds/:guild${path}`,
    run: (call) => ({ body: body(guildOf(call), call) }),
  });
  return [
    read('', (guild, { query }) => ({
      ...guild.json(),
      ...(query.get('with_counts') === 'true' ? { approximate_member_count: guild.memberCount } : {}),
    })),
    read('/channels', (guild) => guild.parts.channels.map((channel) => ({ ...channel, guild_id: guild.id }))),
    read('/threads/active', (guild) => ({ threads: activeThreads(guild), members: [] })),
    read('/roles', (guild) => guild.parts.roles),
    read('/emojis', (guild) => guild.parts.emojis),
    read('/stickers', (guild) => guild.parts.stickers),
    read('/scheduled-events', (guild) => guild.parts.scheduledEvents),
    read('/soundboard-sounds', (guild) => ({ items: guild.parts.sounds })),
    read('/members', (guild, { query }) => membersPage(guild, query)),
    read('/members/:user', (guild, { param }) => {
      const member = guild.member(param('user') === '@me' ? world.userId : param('user'));
      if (member === null) throw new RestError('unknownMember');
      return memberJson(member);
    }),
    {
      method: 'GET',
      path: '/users/:user',
      run: ({ param }) => {
        const id = param('user');
        const direct = world.directChannels.find(({ user }) => user.id === id);
        const user = id === world.userId ? world.user : (direct?.user ?? world.guildOf(id)?.member(id)?.user);
        if (user === undefined) throw new RestError('unknownUser');
        return { body: userJson(user) };
      },
    },
  ];
}

function membersPage(guild: Guild, query: URLSearchParams): APIGuildMember[] {
  const limit = Math.min(1_000, Math.max(1, Number(query.get('limit')) || 1));
  const last = query.get('after');
  const after = last !== null && /^\d{1,20}$/.test(last) ? BigInt(last) : 0n;
  const later = [...guild.allMembers()].filter(({ user }) => BigInt(user.id) > after);
  return later
    .sort((one, other) => (BigInt(one.user.id) < BigInt(other.user.id) ? -1 : 1))
    .slice(0, limit)
    .map(memberJson);
}
