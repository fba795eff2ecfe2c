/** The bot's application commands, global and per guild, with Discord's rules for what may be registered. */
import type { APIApplicationCommand } from 'discord-api-types/v10';
import { readCommandDescription, readCommandName, readOptions } from './command-options.js';
import { objectField } from './fields.js';
import type { SnowflakeSource } from './snowflakes.js';
import { RestError, invalidField } from './rest-error.js';

/** Discord: 100 chat input, 15 user and 15 message commands in each scope. */
const maxCommands: Record<number, number> = { 1: 100, 2: 15, 3: 15, 4: 1 };
const chatInput = 1;

export type CommandsOptions = { applicationId: string; nextId: SnowflakeSource; now: () => number };

export class Commands {
  readonly #options: CommandsOptions;
  /** By scope: a guild's id, or `global`. */
  readonly #scopes = new Map<string, Map<string, APIApplicationCommand>>();

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  list(guildId: string | null): APIApplicationCommand[] {
    return [...(this.#scopes.get(guildId ?? 'global')?.values() ?? [])];
  }

  /** Throws RestError `unknownCommand`. */
  get(guildId: string | null, id: string): APIApplicationCommand {
    const command = this.#scopes.get(guildId ?? 'global')?.get(id);
    if (command === undefined) throw new RestError('unknownCommand');
    return command;
  }

  /** What somebody in a guild finds under a name: the guild's own before the global one. */
  find(name: string, guildId: string | null): APIApplicationCommand | null {
    const own = guildId === null ? [] : this.list(guildId);
    return [...own, ...this.list(null)].find((command) => command.name === name) ?? null;
  }

  /** Those that can be used in a guild. */
  usableIn(guildId: string): APIApplicationCommand[] {
    return [...this.list(guildId), ...this.list(null)].filter(({ type }) => (type as number) === chatInput);
  }

  /** Replaces everything in the scope. Commands keep their id if type and name stay. Throws RestError. */
  replaceAll(guildId: string | null, body: unknown): APIApplicationCommand[] {
    if (!Array.isArray(body)) throw invalidField([], 'BASE_TYPE_BAD_LIST', 'Only iterables may be used in a ListType.');
    const made = body.map((item: unknown, index) => this.#make(guildId, item, [String(index)]));
    for (const [index, command] of made.entries()) {
      if (made.findIndex((other) => sameName(other, command)) !== index) {
        throw invalidField(
          [String(index), 'name'],
          'APPLICATION_COMMANDS_DUPLICATE_NAME',
          'Application command names must be unique',
        );
      }
    }
    for (const [type, max] of Object.entries(maxCommands)) {
      if (made.filter((command) => (command.type as number) === Number(type)).length > max)
        throw new RestError('tooManyCommands');
    }
    this.#scopes.set(guildId ?? 'global', new Map(made.map((command) => [command.id, command])));
    return made;
  }

  /** Makes one, or overwrites the one of the same type and name: `created` says which. Throws RestError. */
  upsert(guildId: string | null, body: unknown): { command: APIApplicationCommand; created: boolean } {
    const command = this.#make(guildId, body, []);
    const others = this.list(guildId).filter((other) => other.type === command.type);
    const created = !others.some(({ id }) => id === command.id);
    if (created && others.length >= (maxCommands[command.type] ?? 0)) throw new RestError('tooManyCommands');
    this.#keep(guildId, command);
    return { command, created };
  }

  /** Throws RestError. */
  edit(guildId: string | null, id: string, body: unknown): APIApplicationCommand {
    const before = this.get(guildId, id);
    const after = { ...this.#make(guildId, { ...before, ...objectField(body, []), type: before.type }, []), id };
    this.#keep(guildId, after);
    return after;
  }

  /** Throws RestError `unknownCommand`. */
  delete(guildId: string | null, id: string): void {
    this.get(guildId, id);
    this.#scopes.get(guildId ?? 'global')?.delete(id);
  }

  #keep(guildId: string | null, command: APIApplicationCommand): void {
    const scope = guildId ?? 'global';
    const commands = this.#scopes.get(scope) ?? new Map<string, APIApplicationCommand>();
    commands.set(command.id, command);
    this.#scopes.set(scope, commands);
  }

  #make(guildId: string | null, body: unknown, path: readonly string[]): APIApplicationCommand {
    const given = objectField(body, path);
    const type = readType(given['type'], path);
    const name = readCommandName(given['name'], type === chatInput, path);
    const description = type === chatInput ? readCommandDescription(given['description'], path) : '';
    const options = readOptions(given['options'], path);
    const now = this.#options.now();
    const known = this.list(guildId).find((other) => (other.type as number) === type && other.name === name);
    return {
      integration_types: [0],
      ...(guildId === null ? { contexts: null } : {}),
      nsfw: false,
      default_member_permissions: null,
      ...given,
      id: known?.id ?? this.#options.nextId(now),
      application_id: this.#options.applicationId,
      ...(guildId === null ? {} : { guild_id: guildId }),
      type,
      name,
      description,
      ...(options.length === 0 ? {} : { options: options as NonNullable<APIApplicationCommand['options']> }),
      version: this.#options.nextId(now),
    };
  }
}

function sameName(one: APIApplicationCommand, other: APIApplicationCommand): boolean {
  return one.type === other.type && one.name === other.name;
}

function readType(value: unknown, path: readonly string[]): number {
  if (value === undefined) return chatInput;
  if (typeof value === 'number' && value in maxCommands) return value;
  throw invalidField([...path, 'type'], 'BASE_TYPE_CHOICES', 'Value must be one of {1, 2, 3, 4}.');
}
