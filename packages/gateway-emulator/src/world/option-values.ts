/**
 * What somebody fills into the options of a command, held against how the command is registered: as Discord's client
 * does, which lets nobody send anything else. Throws `DSO_EMULATOR_BAD_REQUEST`.
 */
import type { APIApplicationCommandOption } from 'discord-api-types/v10';
import { badRequest } from '../errors.js';
import { choiceKind, optionTypes } from './command-options.js';
import type { Resolved, ResolvedKind } from './resolved.js';

/** What options are given as; a subcommand's are an object of their own. */
export type OptionValues = { [name: string]: string | number | boolean | OptionValues };

/** The option that somebody is typing in, of the innermost subcommand, and what is typed so far. */
export type Focus = { name: string; text: string };

type Known = Readonly<Record<string, unknown>> & { name: string; type: number; options?: readonly Known[] };
export type OptionJson = {
  name: string;
  type: number;
  value?: string | number | boolean;
  options?: OptionJson[];
  focused?: true;
};

const kinds: Readonly<Record<number, ResolvedKind>> = {
  [optionTypes.user]: 'user',
  [optionTypes.role]: 'role',
  [optionTypes.mentionable]: 'mentionable',
  [optionTypes.channel]: 'channel',
};

/** `path`: the command and its subcommands so far, for messages. With `focus`, required options may be missing. */
export function fillOptions(
  options: readonly APIApplicationCommandOption[] | undefined,
  values: OptionValues,
  { path, resolved, focus = null }: { path: string; resolved: Resolved; focus?: Focus | null },
): OptionJson[] {
  const known = (options ?? []) as unknown as readonly Known[];
  return known.some(isSubcommand)
    ? [fillSubcommand(known, values, { path, resolved, focus })]
    : fillLevel(known, values, { path, resolved, focus });
}

type Filling = { path: string; resolved: Resolved; focus: Focus | null };

function fillSubcommand(known: readonly Known[], values: OptionValues, filling: Filling): OptionJson {
  const names = Object.keys(values);
  const [name = ''] = names;
  const chosen = known.find((option) => option.name === name);
  const inner = values[name];
  if (names.length !== 1 || chosen === undefined || typeof inner !== 'object') {
    const there = known.map((option) => option.name).join(', ');
    throw badRequest(
      `${filling.path} has subcommands: "options" must have one of them, with its options as an object; they are ${there}`,
    );
  }
  const path = `${filling.path} ${name}`;
  const { name: _name, type, options = [] } = chosen;
  const filled = options.some(isSubcommand)
    ? [fillSubcommand(options, inner, { ...filling, path })]
    : fillLevel(options, inner, { ...filling, path });
  return { name, type, options: filled };
}

function fillLevel(known: readonly Known[], values: OptionValues, { path, resolved, focus }: Filling): OptionJson[] {
  const filled = Object.entries(values).map(([name, value]) => {
    const option = knownOption(known, name, path);
    return { name, type: option.type, value: fillOne(option, value, resolved) };
  });
  if (focus !== null) {
    const option = knownOption(known, focus.name, path);
    if (option['autocomplete'] !== true) throw badRequest(`"${option.name}" of ${path} has no autocomplete`);
    return [
      ...filled.filter(({ name }) => name !== option.name),
      { name: option.name, type: option.type, value: focus.text, focused: true },
    ];
  }
  const missing = known.find(({ name, required }) => required === true && values[name] === undefined);
  if (missing !== undefined) throw badRequest(`"${missing.name}" of ${path} is required`);
  return filled;
}

function knownOption(known: readonly Known[], name: string, path: string): Known {
  const option = known.find((candidate) => candidate.name === name);
  if (option !== undefined) return option;
  const there = known.length === 0 ? 'it has none' : `it has ${known.map((candidate) => candidate.name).join(', ')}`;
  throw badRequest(`${path} has no option "${name}"; ${there}`);
}

function fillOne(option: Known, value: OptionValues[string], resolved: Resolved): string | number | boolean {
  const { name, type } = option;
  if (typeof value === 'object') throw badRequest(`"${name}" is no subcommand, but an object is given for it`);
  const kind = kinds[type];
  if (kind !== undefined) {
    if (typeof value !== 'string' || !resolved.take(kind, value))
      throw badRequest(`"${name}" must be the id of a ${kind} of the guild, which "${String(value)}" is not`);
    const wanted = option['channel_types'];
    if (
      kind === 'channel' &&
      Array.isArray(wanted) &&
      wanted.length > 0 &&
      !wanted.includes(resolved.channelType(value))
    )
      throw badRequest(`"${name}" must be a channel of type ${wanted.join(' or ')}, which ${value} is not`);
    return value;
  }
  if (type === optionTypes.attachment) {
    if (typeof value === 'string' && value !== '') return resolved.takeFile(value);
    throw badRequest(`"${name}" must be the name of a file`);
  }
  if (type === optionTypes.boolean) {
    if (typeof value === 'boolean') return value;
    throw badRequest(`"${name}" must be true or false`);
  }
  return fillChosen(option, value);
}

function fillChosen(option: Known, value: string | number | boolean): string | number | boolean {
  const { name, type, choices } = option;
  const isInteger = type === optionTypes.integer;
  const fits =
    typeof value === choiceKind(type) &&
    (typeof value !== 'number' || (isInteger ? Number.isSafeInteger(value) : Number.isFinite(value)));
  if (!fits || value === '')
    throw badRequest(
      `"${name}" must be ${choiceKind(type) === 'string' ? 'a text' : isInteger ? 'an integer' : 'a number'}`,
    );
  if (Array.isArray(choices) && choices.length > 0) {
    const offered = choices as readonly { name: string; value: unknown }[];
    if (offered.some((choice) => choice.value === value)) return value;
    const there = offered.map((choice) => JSON.stringify(choice.value)).join(', ');
    throw badRequest(`${JSON.stringify(value)} is no choice of "${name}"; they are ${there}`);
  }
  const measured = typeof value === 'string' ? value.length : Number(value);
  const [lower, upper] =
    typeof value === 'string' ? (['min_length', 'max_length'] as const) : (['min_value', 'max_value'] as const);
  const [min, max] = [option[lower], option[upper]];
  if (typeof min === 'number' && measured < min)
    throw badRequest(`"${name}" must have a ${lower.replace('min_', '')} of at least ${min}`);
  if (typeof max === 'number' && measured > max)
    throw badRequest(`"${name}" must have a ${upper.replace('max_', '')} of at most ${max}`);
  return value;
}

function isSubcommand({ type }: Known): boolean {
  return type === optionTypes.subcommand || type === optionTypes.subcommandGroup;
}

/** The type of the option that somebody types in; null: none has the focus. */
export function focusedType(options: readonly OptionJson[]): number | null {
  for (const { focused, type, options: inner } of options) {
    if (focused === true) return type;
    const deeper = inner === undefined ? null : focusedType(inner);
    if (deeper !== null) return deeper;
  }
  return null;
}
