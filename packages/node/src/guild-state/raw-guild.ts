/**
 * A guild as Discord sends it, kept up to date: what GUILD_CREATE would say of it now.
 *
 * Each part (a channel, a member, a presence) is kept as the JSON text of the object that Discord sent. So a library
 * that writes into the objects it is given cannot change it, and it travels as it is; it takes about the memory that
 * the object would. What changes with every message is kept beside the texts (`written`), so that a message costs no
 * text. `npm run bench -- guild-state` has the figures.
 */
/** The lists of GUILD_CREATE, and what the items of each are known by. */
const KEYS = {
  channels: 'id',
  threads: 'id',
  roles: 'id',
  emojis: 'id',
  stickers: 'id',
  members: 'user',
  presences: 'user',
  voice_states: 'user_id',
  stage_instances: 'id',
  guild_scheduled_events: 'id',
  soundboard_sounds: 'sound_id',
} as const;

export type Part = keyof typeof KEYS;

export const PARTS = Object.keys(KEYS) as readonly Part[];

/** A JSON object that nobody looks into, beyond what is named. */
export type Payload = Readonly<Record<string, unknown>>;

/** The `d` of GUILD_CREATE. Each list may be missing: not all is sent to every bot. */
export type GuildCreateData = { readonly id: string; readonly member_count: number } & {
  readonly [P in Part]?: readonly object[];
};

/** What has been written in a channel or thread since its text was sent. */
export type Written = { lastMessageId: string; sent: number; deleted: number };

export class RawGuild {
  readonly id: string;
  /** JSON of the guild itself: all but its parts and the count of its members. */
  fields: string;
  memberCount: number;
  readonly parts: Readonly<Record<Part, Map<string, string>>>;
  readonly written: Map<string, Written> = new Map();
  /** While a copy of the guild is on its way: what has changed since. */
  changes: GuildChanges | null = null;

  constructor(id: string, fields: string, memberCount: number) {
    this.id = id;
    this.fields = fields;
    this.memberCount = memberCount;
    this.parts = Object.fromEntries(PARTS.map((part) => [part, new Map<string, string>()])) as RawGuild['parts'];
  }

  put(part: Part, key: string, item: object): void {
    const text = JSON.stringify(item);
    if (this.parts[part].get(key) === text && !this.written.has(key)) return;
    // As a number it is looked at from end to end, which joins the pieces that it was made of: they take a third more
    // memory.
    Number(text);
    this.parts[part].set(key, text);
    this.#changed(part, key);
  }

  /** Sets some fields of an item. False: there is no such item. */
  merge(part: Part, key: string, fields: object): boolean {
    const item = this.get(part, key);
    if (item !== null) this.put(part, key, { ...item, ...fields });
    return item !== null;
  }

  get(part: Part, key: string): Payload | null {
    const text = this.parts[part].get(key);
    return text === undefined ? null : this.#shown(part, JSON.parse(text) as Payload);
  }

  all(part: Part): readonly Payload[] {
    const items = JSON.parse(`[${[...this.parts[part].values()].join()}]`) as readonly Payload[];
    return part === 'channels' || part === 'threads' ? items.map((item) => this.#shown(part, item)) : items;
  }

  /** Ids, the one that was archived first at the beginning. */
  archivedThreads(): readonly string[] {
    const archived: string[] = [];
    for (const [id, text] of this.parts.threads) {
      if (text.includes('"archived":true')) archived.push(id);
    }
    return archived;
  }

  drop(part: Part, key: string): void {
    if (this.parts[part].delete(key)) this.#changed(part, key);
  }

  /** The whole list at once. */
  replace(part: Part, items: readonly object[]): void {
    for (const key of this.parts[part].keys()) this.changes?.note(part, key);
    this.parts[part].clear();
    items.forEach((item) => this.put(part, keyOf(part, item), item));
  }

  mergeFields(fields: object): void {
    this.fields = JSON.stringify({ ...(JSON.parse(this.fields) as Payload), ...fields });
    this.noteFields();
  }

  count(change: 1 | -1): void {
    this.memberCount += change;
    this.noteFields();
  }

  /** A message came, or one went, in a channel or thread that the guild has. */
  wrote(channelId: string, messageId: string | null): void {
    if (!this.parts.channels.has(channelId) && !this.parts.threads.has(channelId)) return;
    const known = this.written.get(channelId);
    if (messageId === null) {
      if (known !== undefined) known.deleted++;
    } else if (known === undefined) {
      this.written.set(channelId, { lastMessageId: messageId, sent: 1, deleted: 0 });
    } else {
      known.lastMessageId = messageId;
      known.sent++;
    }
    this.changes?.noteWritten(channelId);
  }

  noteFields(): void {
    if (this.changes !== null) this.changes.fields = true;
  }

  /** The text of a channel says what was written in it until then. */
  #changed(part: Part, key: string): void {
    this.changes?.note(part, key);
    if (part === 'channels' || part === 'threads') this.written.delete(key);
  }

  #shown(part: Part, item: Payload): Payload {
    const written = part === 'channels' || part === 'threads' ? this.written.get(keyOf(part, item)) : undefined;
    return written === undefined ? item : withWritten(item, written);
  }
}

/** What a copy of a guild lacks. */
export class GuildChanges {
  fields = false;
  readonly keys: Map<Part, Set<string>> = new Map();
  readonly written: Set<string> = new Set();

  get isEmpty(): boolean {
    return !this.fields && this.keys.size === 0 && this.written.size === 0;
  }

  note(part: Part, key: string): void {
    const keys = this.keys.get(part);
    if (keys === undefined) this.keys.set(part, new Set([key]));
    else keys.add(key);
  }

  noteWritten(channelId: string): void {
    this.written.add(channelId);
  }
}

export function keyOf(part: Part, item: object): string {
  const key = (item as Payload)[KEYS[part]];
  return typeof key === 'object' && key !== null ? String((key as Payload)['id']) : String(key);
}

export function rawGuildOf(data: GuildCreateData): RawGuild {
  const { member_count: count, ...rest } = data;
  const fields: Record<string, unknown> = { ...rest };
  for (const part of PARTS) delete fields[part];
  const guild = new RawGuild(data.id, JSON.stringify(fields), count);
  for (const part of PARTS) {
    for (const item of data[part] ?? []) guild.put(part, keyOf(part, item), item);
  }
  return guild;
}

/** The `d` of the GUILD_CREATE that Discord would send now. Its objects are nobody else's. */
export function guildCreateOf(guild: RawGuild): Payload {
  const lists = Object.fromEntries(PARTS.map((part) => [part, guild.all(part)]));
  const archived = new Set(guild.archivedThreads());
  const threads = guild.all('threads').filter((thread) => !archived.has(keyOf('threads', thread)));
  return { ...(JSON.parse(guild.fields) as Payload), ...lists, threads, member_count: guild.memberCount };
}

function withWritten(channel: Payload, { lastMessageId, sent, deleted }: Written): Payload {
  const counts =
    'message_count' in channel
      ? {
          message_count: Math.max(0, Number(channel['message_count']) + sent - deleted),
          total_message_sent: Number(channel['total_message_sent'] ?? 0) + sent,
        }
      : {};
  return { ...channel, last_message_id: lastMessageId, ...counts };
}
