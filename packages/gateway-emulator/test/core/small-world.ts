/** A world of one guild, as small as the rules that look at it allow, with as many members as a test wants. */
import type { GuildView, MemberView, WorldView } from '../../src/core/world-view.js';

export const guildId = '4194304'; // 1 << 22: route 1, shard 0 of 1
export const voiceChannelId = '77';
export const botId = '1';

export function smallWorld({ members = 3 }: { members?: number } = {}): WorldView {
  const everybody = [
    member(botId, 'bot'),
    ...Array.from({ length: members }, (_, n) => member(`${n + 10}`, `user-${n}`)),
  ];
  const guild: GuildView = {
    id: guildId,
    route: 1,
    createJson: ({ largeThreshold }) => JSON.stringify({ id: guildId, name: 'small', largeThreshold }),
    members: () => everybody,
    memberView: (userId) => everybody.find((candidate) => candidate.userId === userId) ?? null,
    hasVoiceChannel: (id) => id === voiceChannelId,
    soundboardJson: () => '[{"name":"quack"}]',
    voiceChannels: () => [{ id: voiceChannelId, status: 'busy', voiceStartTime: 5 }],
  };
  return {
    userId: botId,
    userJson: `{"id":"${botId}","bot":true}`,
    applicationJson: '{"id":"1"}',
    guildIdsOf: (shard, count) => (1 % count === shard ? [guildId] : []),
    guild: (id) => (id === guildId ? guild : null),
  };
}

function member(userId: string, name: string): MemberView {
  return {
    userId,
    names: [name, `Nick of ${name}`],
    json: () => JSON.stringify({ user: { id: userId, username: name } }),
    presenceJson: () => (Number(userId) % 2 === 0 ? JSON.stringify({ user: { id: userId }, status: 'online' }) : null),
  };
}
