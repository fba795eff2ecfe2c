/** Users and what a guild knows of them: members and their presences, each made from the seed when somebody looks. */
import { seededRandom } from '@dshard/transport';
import type {
  APIGuildMember,
  APIUser,
  GatewayPresenceUpdate,
  PresenceUpdateReceiveStatus,
} from 'discord-api-types/v10';
import { firstGuildMs, idIn, snowflake } from './snowflakes.js';
import { pick, seedOf } from './chance.js';

export type User = {
  id: string;
  username: string;
  global_name: string;
  discriminator: '0';
  avatar: null;
  bot: boolean;
  public_flags: 0;
};

export type Status = `${PresenceUpdateReceiveStatus}`;

export type Member = {
  readonly user: User;
  readonly roles: readonly string[];
  readonly nick: string | null;
  readonly joinedAt: string;
};

/** A number and not a literal: the type of Discord's flags knows no 0. */
export const noFlags: number = 0;

const names = ['ada', 'brook', 'casey', 'dana', 'eli', 'fynn', 'gale', 'harper', 'ira', 'jude', 'kit', 'lane'];
const nicks = ['Captain', 'Doc', 'Ghost', 'Ace'];
const statuses: readonly Status[] = ['online', 'online', 'idle', 'dnd', 'offline', 'offline'];
const games = ['Chess', 'Factory', 'Rockets', 'Farming'];
export const joinedAt = '2020-06-01T00:00:00.000000+00:00';

export function makeUser(id: string, name: string, bot = false): User {
  return { id, username: name, global_name: name, discriminator: '0', avatar: null, bot, public_flags: 0 };
}

/** The bot's id, unless its token names another. */
export const defaultBotId: string = snowflake(firstGuildMs - 1, 0);

/** The bot itself. */
export function botUser(id: string): User {
  return makeUser(id, 'emulated-bot', true);
}

/** The guild's `number`-th member as it was in the beginning. `roles`: those that members may have. */
export function generatedMember(seed: number, guildIndex: number, number: number, roles: readonly string[]): Member {
  const random = seededRandom(seedOf(seed, guildIndex, number));
  const user = makeUser(idIn(guildIndex, 'member', number), `${pick(random, names)}${guildIndex}-${number}`);
  const nick = random.next() < 0.2 ? `${pick(random, nicks)} ${number}` : null;
  const role = pick(random, roles);
  return { user, nick, roles: random.next() < 0.6 ? [role] : [], joinedAt };
}

export function generatedStatus(seed: number, guildIndex: number, number: number): Status {
  return pick(seededRandom(seedOf(seed, guildIndex, number, 1)), statuses);
}

/** What Discord sends of a member, beside the user. */
export function memberFields(member: Omit<Member, 'user'>): Omit<APIGuildMember, 'user'> {
  return {
    roles: [...member.roles],
    nick: member.nick,
    avatar: null,
    banner: null,
    joined_at: member.joinedAt,
    premium_since: null,
    communication_disabled_until: null,
    pending: false,
    deaf: false,
    mute: false,
    flags: noFlags,
  };
}

export function memberJson(member: Member): APIGuildMember {
  return { user: userJson(member.user), ...memberFields(member) };
}

export function userJson(user: User): APIUser {
  return { ...user, public_flags: noFlags };
}

/** A presence; who is online in a guild plays something now and then. */
export function presenceJson(guildId: string, userId: string, status: Status, playing: number): GatewayPresenceUpdate {
  const shown = status as PresenceUpdateReceiveStatus;
  const game = games[playing % (games.length * 2)];
  return {
    user: { id: userId },
    guild_id: guildId,
    status: shown,
    activities:
      game === undefined || status === 'offline'
        ? []
        : [{ id: 'ec0b28a579ecb4bd', name: game, type: 0, created_at: firstGuildMs }],
    client_status: status === 'offline' ? {} : { desktop: shown },
  };
}
