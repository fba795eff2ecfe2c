/**
 * What somebody chooses in a menu, of a message or of a modal, held against what the menu lets choose. Throws
 * `DSO_EMULATOR_BAD_REQUEST`.
 */
import { badRequest } from '../errors.js';
import { choicesOf, componentTypes, type Component } from './components.js';
import type { Resolved, ResolvedKind } from './resolved.js';

const kinds: Readonly<Record<number, ResolvedKind>> = {
  [componentTypes.userSelect]: 'user',
  [componentTypes.roleSelect]: 'role',
  [componentTypes.mentionableSelect]: 'mentionable',
  [componentTypes.channelSelect]: 'channel',
};

/** As they go to the bot: file names become ids of uploads. `min` and `max` where they are not those of the menu. */
export function chooseValues(
  menu: Component,
  values: readonly string[],
  resolved: Resolved,
  { min = numberOf(menu['min_values'], 1), max = numberOf(menu['max_values'], 1) }: { min?: number; max?: number } = {},
): string[] {
  const name = String(menu['custom_id']);
  if (new Set(values).size !== values.length) throw badRequest(`a value is chosen twice in "${name}"`);
  if (values.length < min || values.length > max) {
    const wanted = min === max ? `${min}` : `${min} to ${max}`;
    throw badRequest(`"${name}" wants ${wanted} value(s), and ${values.length} are given`);
  }
  if (menu.type === componentTypes.fileUpload) return values.map((filename) => resolved.takeFile(filename));
  const kind = kinds[menu.type];
  for (const value of values) {
    if (kind === undefined) checkOffered(menu, value);
    else checkKind(menu, kind, value, resolved);
  }
  return [...values];
}

function checkOffered(menu: Component, value: string): void {
  const choices = choicesOf(menu);
  if (choices.some((choice) => choice.value === value)) return;
  const there = choices.map((choice) => choice.value).join(', ');
  throw badRequest(`"${value}" is no choice of "${String(menu['custom_id'])}"; they are ${there}`);
}

function checkKind(menu: Component, kind: ResolvedKind, value: string, resolved: Resolved): void {
  const name = String(menu['custom_id']);
  if (!resolved.take(kind, value))
    throw badRequest(`"${name}" lets choose a ${kind} of the guild, which ${value} is not`);
  const wanted = menu['channel_types'];
  if (kind !== 'channel' || !Array.isArray(wanted) || wanted.length === 0) return;
  if (!wanted.includes(resolved.channelType(value)))
    throw badRequest(`"${name}" lets choose channels of type ${wanted.join(' or ')}, which ${value} is not`);
}

function numberOf(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}
