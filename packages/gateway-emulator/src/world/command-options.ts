/** The options and names of an application command, checked as Discord does at registration. Throws RestError. */
import { listField, objectField, required, textField, type Path } from './fields.js';
import { invalidField } from './rest-error.js';

type Given = Record<string, unknown>;

const maxOptions = 25;
const maxChoices = 25;
const maxText = 6_000;
/** Chat input names: lower case where there is such a thing, no spaces. */
const chatInputName = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
const anyName = /^.{1,32}$/su;

export function readCommandName(value: unknown, isChatInput: boolean, path: Path): string {
  const at = [...path, 'name'];
  if (value === undefined || value === null || value === '') throw required(at);
  const fits = typeof value === 'string' && (isChatInput ? chatInputName : anyName).test(value);
  if (!fits || (isChatInput && value !== value.toLowerCase()))
    throw invalidField(at, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
  return value;
}

export function readCommandDescription(value: unknown, path: Path): string {
  return textField(value, [...path, 'description'], 100);
}

/** `depth`: below how many subcommands they are. */
export function readOptions(value: unknown, path: Path, depth = 0): unknown[] {
  const at = [...path, 'options'];
  const list = listField(value, at, maxOptions);
  const options = list.map((option, index) => readOption(option, [...at, String(index)], depth));
  const isNested = options.map(({ type }) => isSubcommand(Number(type)));
  if (isNested.includes(true) && isNested.includes(false)) {
    const message = 'Sub-command and sub-command group option types are mutually exclusive to all other types';
    throw invalidField(at, 'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID', message);
  }
  for (const [index, { name, required }] of options.entries()) {
    const here = [...at, String(index)];
    if (options.findIndex((other) => other['name'] === name) !== index) {
      const message = 'Option names must be unique';
      throw invalidField([...here, 'name'], 'APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE', message);
    }
    if (required === true && options.slice(0, index).some((before) => before['required'] !== true)) {
      const message = 'Required options must be placed before non-required options';
      throw invalidField(here, 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', message);
    }
  }
  return list;
}

function readOption(value: unknown, at: Path, depth: number): Given {
  const given = objectField(value, at);
  readCommandName(given['name'], true, at);
  readCommandDescription(given['description'], at);
  const { type } = given;
  if (typeof type !== 'number' || !Object.values<number>(optionTypes).includes(type)) {
    throw invalidField(
      [...at, 'type'],
      'BASE_TYPE_CHOICES',
      'Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.',
    );
  }
  if (type === optionTypes.subcommandGroup ? depth > 0 : type === optionTypes.subcommand && depth > 1) {
    const message = 'Sub-commands are in a command or in a group, and groups are in a command';
    throw invalidField([...at, 'type'], 'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID', message);
  }
  if (isSubcommand(type)) {
    const inner = readOptions(given['options'], at, type === optionTypes.subcommand ? 2 : 1);
    const isEmptyGroup = type === optionTypes.subcommandGroup && inner.length === 0;
    if (isEmptyGroup) throw required([...at, 'options']);
    return given;
  }
  checkBounds(given, type, at);
  checkChoices(given, type, at);
  return given;
}

function checkChoices({ choices, autocomplete }: Given, type: number, at: Path): void {
  const kind = choiceKind(type);
  const has = choices !== undefined && choices !== null && !(Array.isArray(choices) && choices.length === 0);
  if ((has || autocomplete === true) && kind === null) {
    const field = has ? 'choices' : 'autocomplete';
    throw invalidField(
      [...at, field],
      'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
      `Options of type ${type} have no ${field}`,
    );
  }
  if (!has) return;
  if (autocomplete === true) {
    const message = 'Choices and autocomplete are mutually exclusive';
    throw invalidField([...at, 'autocomplete'], 'APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID', message);
  }
  readChoices(choices, type, [...at, 'choices']);
}

/** The choices of an option, or those that an autocomplete answers with. */
export function readChoices(value: unknown, type: number, at: Path): { name: string; value: string | number }[] {
  const choices = listField(value, at, maxChoices).map((item, index) => {
    const here = [...at, String(index)];
    const { name, value: chosen } = objectField(item, here);
    if (!isChoiceValue(type, chosen)) {
      const message = `Could not interpret "${JSON.stringify(chosen)}" as ${type === optionTypes.string ? 'string' : 'number'}.`;
      throw invalidField(
        [...here, 'value'],
        type === optionTypes.string ? 'STRING_TYPE_CONVERT' : 'NUMBER_TYPE_COERCE',
        message,
      );
    }
    if (typeof chosen === 'string') textField(chosen, [...here, 'value'], 100);
    return { name: textField(name, [...here, 'name'], 100), value: chosen };
  });
  for (const [index, { name }] of choices.entries()) {
    if (choices.findIndex((other) => other.name === name) === index) continue;
    const message = 'Choice names must be unique';
    throw invalidField([...at, String(index), 'name'], 'APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_DUPLICATE', message);
  }
  return choices;
}

function checkBounds(given: Given, type: number, at: Path): void {
  for (const [lower, upper, fits, max] of [
    ['min_value', 'max_value', type === optionTypes.integer || type === optionTypes.number, Number.MAX_SAFE_INTEGER],
    ['min_length', 'max_length', type === optionTypes.string, maxText],
  ] as const) {
    for (const field of [lower, upper]) {
      const bound = given[field];
      if (bound === undefined || bound === null) continue;
      const isBound =
        typeof bound === 'number' && Math.abs(bound) <= max && (type === optionTypes.number || Number.isInteger(bound));
      if (!fits || !isBound || (lower === 'min_length' && bound < 0)) {
        const message = fits
          ? `Value "${JSON.stringify(bound)}" is out of range.`
          : `Options of type ${type} have no ${field}`;
        throw invalidField([...at, field], 'NUMBER_TYPE_COERCE', message);
      }
    }
    const [least, most] = [given[lower], given[upper]];
    if (typeof least === 'number' && typeof most === 'number' && least > most)
      throw invalidField([...at, lower], 'NUMBER_TYPE_MAX', `${lower} must not be above ${upper}.`);
  }
}

function isSubcommand(type: number): boolean {
  return type === optionTypes.subcommand || type === optionTypes.subcommandGroup;
}

/** Types of command options, by Discord's numbers ("Application Commands: Application Command Option Type"). */
export const optionTypes = {
  subcommand: 1,
  subcommandGroup: 2,
  string: 3,
  integer: 4,
  boolean: 5,
  user: 6,
  channel: 7,
  role: 8,
  mentionable: 9,
  number: 10,
  attachment: 11,
} as const;

/** What the values of an option are in JSON, where its author chooses them; null: they are ids, files or yes and no. */
export function choiceKind(type: number): 'string' | 'number' | null {
  if (type === optionTypes.string) return 'string';
  return type === optionTypes.integer || type === optionTypes.number ? 'number' : null;
}

/** Whether a value fits the type of an option with choices. */
function isChoiceValue(type: number, value: unknown): value is string | number {
  if (typeof value !== choiceKind(type)) return false;
  return type !== optionTypes.integer || Number.isSafeInteger(value);
}
