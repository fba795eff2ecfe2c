/**
 * `resolved` of an interaction: what the ids in it stand for. Whoever reads ids (options, select menus, modals) looks
 * them up here, and what was found goes along with the interaction.
 */
import type { APIMessage } from 'discord-api-types/v10';
import type { Guild } from './guild.js';
import { memberFields, userJson, type User } from './users.js';
import type { World } from './world.js';

/** What everybody may do; the bot is an administrator. */
export const memberPermissions = '2248473465835073';
export const botPermissions = '9007199254740991';

/** What an id may stand for. `mentionable`: a user or a role. */
export type ResolvedKind = 'user' | 'role' | 'mentionable' | 'channel';

export class Resolved {
  readonly #world: World;
  readonly #guild: Guild | null;
  readonly #newId: () => string;
  readonly #found: { [kind: string]: { [id: string]: unknown } } = {};

  constructor({ world, guild, newId }: { world: World; guild: Guild | null; newId: () => string }) {
    this.#world = world;
    this.#guild = guild;
    this.#newId = newId;
  }

  /** False: there is nothing of that kind and id. */
  take(kind: ResolvedKind, id: string): boolean {
    switch (kind) {
      case 'user':
        return this.#takeUser(id);
      case 'role':
        return this.#takeRole(id);
      case 'mentionable':
        return this.#takeRole(id) || this.#takeUser(id);
      case 'channel':
        return this.#takeChannel(id);
    }
  }

  /** The type of a channel; null when there is none of that id. */
  channelType(id: string): number | null {
    return this.#guild?.channel(id)?.type ?? null;
  }

  /** Somebody uploads a file: its id. */
  takeFile(filename: string): string {
    const id = this.#newId();
    const url = `https://cdn.invalid/ephemeral-attachments/${id}/${filename}`;
    this.#keep('attachments', id, { id, filename, size: filename.length, url, proxy_url: url, ephemeral: true });
    return id;
  }

  takeMessage(message: APIMessage): void {
    this.#keep('messages', message.id, message);
  }

  /** `{ resolved: … }`, or nothing when nothing was looked up. */
  json(): { resolved?: object } {
    return Object.keys(this.#found).length === 0 ? {} : { resolved: this.#found };
  }

  #takeUser(id: string): boolean {
    const member = this.#guild?.member(id) ?? null;
    const user = member?.user ?? this.#acquaintance(id);
    if (user === null) return false;
    this.#keep('users', id, userJson(user));
    if (member !== null) {
      const { deaf: _deaf, mute: _mute, ...fields } = memberFields(member);
      this.#keep('members', id, { ...fields, permissions: memberPermissions });
    }
    return true;
  }

  /** Somebody who is not in the guild: the bot in a direct channel, or whose channel that is. */
  #acquaintance(id: string): User | null {
    if (id === this.#world.userId) return this.#world.user;
    return this.#world.directChannels.find(({ user }) => user.id === id)?.user ?? null;
  }

  #takeRole(id: string): boolean {
    const role = this.#guild?.parts.roles.find((candidate) => candidate.id === id);
    if (role === undefined) return false;
    this.#keep('roles', id, role);
    return true;
  }

  #takeChannel(id: string): boolean {
    const channel = this.#guild?.channel(id) ?? null;
    if (channel === null) return false;
    this.#keep('channels', id, { ...channel, permissions: memberPermissions, app_permissions: botPermissions });
    return true;
  }

  #keep(kind: string, id: string, value: unknown): void {
    this.#found[kind] = { ...this.#found[kind], [id]: value };
  }
}
