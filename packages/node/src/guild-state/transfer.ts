/**
 * A shard's guilds on their way to another process, as parts that are each quick to write and to read. First
 * everything, while the shard serves; then what has changed, as often as the sender likes; at last the ids of the
 * guilds there are, so that a copy can be known to be whole. A part may come twice: as it was, and as it is.
 */
import { GuildChanges, PARTS, keyOf, RawGuild, type Part, type Payload, type Written } from './raw-guild.js';
import { emptyState, type ShardState } from './reduce.js';
import type { PeopleLimits } from './people.js';

/** Raised when parts mean something else than before. */
const FORMAT = 1;

/** Of JSON, per part; an item that is larger goes alone. */
const PART_CHARACTERS = 16_384;

export type GuildPart =
  | { kind: 'shard'; format: number; user: Payload; application: Payload }
  /** What is known of the guild before does not count any more. */
  | { kind: 'guild'; id: string; fields: Payload; memberCount: number }
  | { kind: 'fields'; id: string; fields: Payload; memberCount: number }
  | { kind: 'put'; id: string; part: Part; items: readonly Payload[] }
  | { kind: 'drop'; id: string; part: Part; keys: readonly string[] }
  | { kind: 'written'; id: string; channels: readonly (readonly [string, Written | null])[] }
  | { kind: 'unavailable'; id: string }
  | { kind: 'done'; user: Payload; guildIds: readonly string[] };

/** What the other process has been sent; one for each copy that is on its way. Parts are JSON. */
export class OutgoingGuilds {
  readonly #state: ShardState;
  readonly #sent = new Map<string, RawGuild | null>();

  /** From here on, changes are noted. `state` has the shard's user. */
  constructor(state: ShardState) {
    this.#state = state;
  }

  *everything(): Generator<string> {
    const { user, application, guilds } = this.#state;
    yield `{"kind":"shard","format":${FORMAT},"user":${user?.json ?? 'null'},"application":${application ?? 'null'}}`;
    for (const [id, guild] of guilds) yield* this.#whole(id, guild);
  }

  /** One at a time: what the guilds say is what they are when they are asked for. */
  *changes(): Generator<string> {
    for (const [id, guild] of this.#state.guilds) {
      if (!this.#sent.has(id) || this.#sent.get(id) !== guild) yield* this.#whole(id, guild);
      else if (guild?.changes?.isEmpty === false) yield* changesOf(guild, guild.changes);
    }
  }

  /** How many guilds are not there as they are. */
  get pending(): number {
    let count = 0;
    for (const [id, guild] of this.#state.guilds) {
      if (this.#sent.get(id) !== guild || guild?.changes?.isEmpty === false) count++;
    }
    return count;
  }

  /** The last part. */
  done(): string {
    const { user, guilds } = this.#state;
    return `{"kind":"done","user":${user?.json ?? 'null'},"guildIds":${JSON.stringify([...guilds.keys()])}}`;
  }

  /** Changes are noted no longer. */
  end(): void {
    for (const guild of this.#state.guilds.values()) {
      if (guild !== null) guild.changes = null;
    }
  }

  *#whole(id: string, guild: RawGuild | null): Generator<string> {
    this.#sent.set(id, guild);
    if (guild === null) {
      yield JSON.stringify({ kind: 'unavailable', id } satisfies GuildPart);
      return;
    }
    guild.changes = new GuildChanges();
    yield fieldsText('guild', guild);
    for (const part of PARTS) yield* putTexts(id, part, guild.parts[part].values());
    yield* writtenTexts(guild, guild.written.keys());
  }
}

/** The changes are forgotten with it. */
function* changesOf(guild: RawGuild, { fields, keys, written }: GuildChanges): Generator<string> {
  guild.changes = new GuildChanges();
  if (fields) yield fieldsText('fields', guild);
  for (const [part, changed] of keys) {
    const texts = guild.parts[part];
    const gone = [...changed].filter((key) => !texts.has(key));
    if (gone.length > 0) yield JSON.stringify({ kind: 'drop', id: guild.id, part, keys: gone } satisfies GuildPart);
    yield* putTexts(
      guild.id,
      part,
      [...changed].map((key) => texts.get(key)).filter((text) => text !== undefined),
    );
  }
  yield* writtenTexts(guild, written);
}

function fieldsText(kind: 'guild' | 'fields', { id, fields, memberCount }: RawGuild): string {
  return `{"kind":"${kind}","id":"${id}","memberCount":${memberCount},"fields":${fields}}`;
}

function* putTexts(id: string, part: Part, items: Iterable<string>): Generator<string> {
  let [texts, characters]: [string[], number] = [[], 0];
  const text = (): string => `{"kind":"put","id":"${id}","part":"${part}","items":[${texts.join()}]}`;
  for (const item of items) {
    if (texts.length > 0 && characters + item.length > PART_CHARACTERS) {
      yield text();
      [texts, characters] = [[], 0];
    }
    texts.push(item);
    characters += item.length;
  }
  if (texts.length > 0) yield text();
}

function* writtenTexts({ id, written }: RawGuild, channelIds: Iterable<string>): Generator<string> {
  const channels = [...channelIds].map((channelId) => [channelId, written.get(channelId) ?? null] as const);
  if (channels.length > 0) yield JSON.stringify({ kind: 'written', id, channels } satisfies GuildPart);
}

/** The guilds of a shard that comes here. */
export class IncomingGuilds {
  readonly #state: ShardState;
  /** Guilds of which something came since `seen`, or that went. */
  readonly #touched = new Set<string>();
  #begun = false;
  #guildIds: readonly string[] | null = null;

  constructor(limits: PeopleLimits) {
    this.#state = emptyState(limits);
  }

  take(part: GuildPart): void {
    if (part.kind === 'shard') this.#begin(part);
    else if (this.#begun) this.#takeOfGuild(part);
  }

  /** As far as it is here. */
  get state(): ShardState {
    return this.#state;
  }

  /** Everything, or null if something is missing. */
  whole(): ShardState | null {
    const { guilds, user } = this.#state;
    if (user === null || this.#guildIds === null) return null;
    const gone = new Set(guilds.keys());
    for (const id of this.#guildIds) {
      if (!gone.delete(id)) return null;
    }
    for (const id of gone) {
      guilds.delete(id);
      this.#touched.add(id);
    }
    return this.#state;
  }

  /** The guilds that are not what they were when this was asked for last. */
  seen(): readonly string[] {
    const touched = [...this.#touched];
    this.#touched.clear();
    return touched;
  }

  /** Of another version: nothing of it counts, and the guilds come from Discord. */
  #begin({ format, user, application }: GuildPart & { kind: 'shard' }): void {
    this.#begun = format === FORMAT;
    this.#guildIds = null;
    this.#state.guilds.clear();
    if (!this.#begun) return;
    this.#state.user = userOf(user);
    this.#state.application = JSON.stringify(application);
  }

  #takeOfGuild(part: Exclude<GuildPart, { kind: 'shard' }>): void {
    const { guilds } = this.#state;
    if (part.kind !== 'done') this.#touched.add(part.id);
    switch (part.kind) {
      case 'done':
        this.#guildIds = part.guildIds;
        this.#state.user = userOf(part.user);
        break;
      case 'unavailable':
        guilds.set(part.id, null);
        break;
      case 'guild':
        guilds.set(part.id, new RawGuild(part.id, JSON.stringify(part.fields), part.memberCount));
        break;
      case 'fields':
      case 'put':
      case 'drop':
      case 'written': {
        const guild = guilds.get(part.id);
        if (guild) takeOfGuild(guild, part);
        break;
      }
    }
  }
}

function userOf(user: Payload): ShardState['user'] {
  return { id: String(user['id']), json: JSON.stringify(user) };
}

function takeOfGuild(guild: RawGuild, part: GuildPart & { kind: 'fields' | 'put' | 'drop' | 'written' }): void {
  switch (part.kind) {
    case 'fields':
      guild.fields = JSON.stringify(part.fields);
      guild.memberCount = part.memberCount;
      break;
    case 'put':
      part.items.forEach((item) => guild.put(part.part, keyOf(part.part, item), item));
      break;
    case 'drop':
      part.keys.forEach((key) => guild.drop(part.part, key));
      break;
    case 'written':
      for (const [channelId, written] of part.channels) {
        if (written === null) guild.written.delete(channelId);
        else guild.written.set(channelId, written);
      }
      break;
  }
}
