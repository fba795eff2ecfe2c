/**
 * Guilds of a shard that was running elsewhere, given to discord.js the way Discord would at the start of a session: READY, then a
 * GUILD_CREATE for each guild. Since READY announces them, discord.js knows that they are not new: no guildCreate is emitted.
 */
import type { Client } from 'discord.js';
import type { Breather } from './breather.js';
import type { Payload } from './export/fields.js';
import { addMember, addPresence, addThreadMember } from './internals.js';
import type { StagedGuild, WholeState } from './staged-state.js';

/** Members and presences that discord.js is given in one turn. */
const AT_ONCE = 500;

/** As the gateway's manager emits them. */
export type Deliver = {
  ready: (data: Payload) => void;
  dispatch: (type: 'READY' | 'GUILD_CREATE' | 'GUILD_DELETE', data: Payload) => void;
};

/** What a session begins with, wherever it comes from. */
export type Beginning = { ready: Payload; guilds: readonly { type: 'GUILD_CREATE' | 'GUILD_DELETE'; data: Payload }[] };

export async function deliverStaged(
  client: Client,
  state: WholeState,
  deliver: Deliver,
  breather: Breather,
): Promise<void> {
  const { user, application, guilds, users } = state;
  const announced = guilds.map(({ id }) => ({ id, unavailable: true }));
  begin(deliver, { v: 10, user, application, guilds: announced });
  for (const guild of guilds) {
    await deliverGuild(client, guild, users, deliver, breather);
    await breather.breathe();
  }
}

/** As it came from Discord. */
export async function deliverBeginning(beginning: Beginning, deliver: Deliver, breather: Breather): Promise<void> {
  begin(deliver, beginning.ready);
  for (const { type, data } of beginning.guilds) {
    deliver.dispatch(type, data);
    await breather.breathe();
  }
}

function begin(deliver: Deliver, ready: Payload): void {
  deliver.ready(ready);
  deliver.dispatch('READY', ready);
}

async function deliverGuild(
  client: Client,
  staged: StagedGuild,
  users: ReadonlyMap<string, Payload>,
  deliver: Deliver,
  breather: Breather,
): Promise<void> {
  if (staged.guild === null) {
    deliver.dispatch('GUILD_DELETE', { id: staged.id, unavailable: true });
    return;
  }
  const members = [...staged.members].map(([id, member]) => ({ ...member, user: users.get(id) ?? member['user'] }));
  const presences = [...staged.presences.values()];
  deliver.dispatch('GUILD_CREATE', {
    ...staged.guild.guild,
    members: members.slice(0, AT_ONCE),
    presences: presences.slice(0, AT_ONCE),
  });
  const guild = client.guilds.cache.get(staged.id);
  if (guild === undefined) {
    return;
  }
  for (let from = AT_ONCE; from < Math.max(members.length, presences.length); from += AT_ONCE) {
    await breather.breathe();
    members.slice(from, from + AT_ONCE).forEach((member) => addMember(guild, member));
    presences.slice(from, from + AT_ONCE).forEach((presence) => addPresence(guild, presence));
  }
  for (const [threadId, threadMembers] of Object.entries(staged.guild.threadMembers)) {
    const thread = guild.channels.cache.get(threadId);
    if (thread?.isThread() === true) {
      threadMembers.forEach((member) => addThreadMember(thread, member));
    }
  }
}
