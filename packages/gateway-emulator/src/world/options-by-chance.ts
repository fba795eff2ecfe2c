/** Fills the options of a command that somebody uses by chance: the required ones, and a subcommand if any. */
import type { Random } from '@dshard/transport';
import type { APIApplicationCommandOption } from 'discord-api-types/v10';
import type { Guild } from './guild.js';
import { somebody } from './member-events.js';
import { optionTypes } from './command-options.js';
import type { OptionValues } from './option-values.js';
import { pick } from './chance.js';

type Known = Readonly<Record<string, unknown>> & { name: string; type: number; options?: readonly Known[] };

export function optionsByChance(
  options: readonly APIApplicationCommandOption[] | undefined,
  guild: Guild,
  random: Random,
): OptionValues {
  return valuesOf((options ?? []) as unknown as readonly Known[], guild, random);
}

function valuesOf(known: readonly Known[], guild: Guild, random: Random): OptionValues {
  const inner = known.filter(({ type }) => type === optionTypes.subcommand || type === optionTypes.subcommandGroup);
  if (inner.length > 0) {
    const { name, options = [] } = pick(random, inner);
    return { [name]: valuesOf(options, guild, random) };
  }
  const required = known.filter((option) => option['required'] === true);
  return Object.fromEntries(required.map((option) => [option.name, valueOf(option, guild, random)]));
}

function valueOf(option: Known, guild: Guild, random: Random): string | number | boolean {
  const { type, choices } = option;
  if (Array.isArray(choices) && choices.length > 0)
    return pick(random, choices as readonly { value: string | number }[]).value;
  switch (type) {
    case optionTypes.integer:
    case optionTypes.number:
      return within(option, random);
    case optionTypes.boolean:
      return random.next() < 0.5;
    case optionTypes.user:
    case optionTypes.mentionable:
      return somebody(guild, random).user.id;
    case optionTypes.role:
      return pick(random, guild.parts.roles).id;
    case optionTypes.channel:
      return channelFor(option, guild, random);
    case optionTypes.attachment:
      return 'picture.png';
    default:
      return textFor(option);
  }
}

function within(option: Known, random: Random): number {
  const { min_value: least, max_value: most } = option;
  const min = typeof least === 'number' ? least : typeof most === 'number' ? most : 0;
  const max = typeof most === 'number' ? most : min + 100;
  return option.type === optionTypes.integer
    ? Math.ceil(min) + Math.floor(random.next() * (Math.floor(max) - Math.ceil(min) + 1))
    : min + random.next() * (max - min);
}

/** Of the types that are wanted; where the guild has none of them, any. */
function channelFor(option: Known, guild: Guild, random: Random): string {
  const wanted = option['channel_types'];
  const fitting = guild.channels.filter(({ type }) => Array.isArray(wanted) && wanted.includes(type));
  return pick(random, fitting.length > 0 ? fitting : guild.textChannels).id;
}

function textFor({ min_length: least, max_length: most }: Known): string {
  const length = Math.max(typeof least === 'number' ? least : 1, Math.min(5, typeof most === 'number' ? most : 5));
  return 'hello'.repeat(Math.ceil(length / 5)).slice(0, length);
}
