/**
 * Components of messages and modals ("Components: Reference"): read without trust, numbered as Discord numbers them,
 * and found again when somebody uses one. What is checked is what an interaction needs: who has a `custom_id`, that it
 * is the only one, what a menu lets choose. Throws RestError.
 */
import { countField, listField, objectField, required, textField, type Path } from './fields.js';
import { invalidField } from './rest-error.js';

export const componentTypes = {
  actionRow: 1,
  button: 2,
  stringSelect: 3,
  textInput: 4,
  userSelect: 5,
  roleSelect: 6,
  mentionableSelect: 7,
  channelSelect: 8,
  textDisplay: 10,
  label: 18,
  fileUpload: 19,
  radioGroup: 21,
  checkboxGroup: 22,
  checkbox: 23,
} as const;

/** One with its `id`. Its other fields are as the bot sent them, and checked where the rules above say so. */
export type Component = Readonly<Record<string, unknown>> & { type: number; id: number };

export type Choice = { value: string; label: string; isDefault: boolean };

const maxComponents = 40;
const maxInRow = 5;
const maxOptions = 25;
const selects: readonly number[] = [3, 5, 6, 7, 8];
const inModals: readonly number[] = [4, 19, 21, 22, 23];
/** Button styles with which nothing reaches the bot: link, premium. */
const silentStyles: readonly unknown[] = [5, 6];

export function isSelect({ type }: Component): boolean {
  return selects.includes(type);
}

/** Of a message (`components`) or of a modal. */
export function readComponents(value: unknown, path: Path = ['components'], max: number = maxComponents): Component[] {
  const list = listField(value, path, max).map((item, index) => readComponent(item, [...path, String(index)]));
  const numbered = numberComponents(list);
  const seen = new Set<unknown>();
  for (const { component, at } of everyOne(numbered, path)) {
    const customId = component['custom_id'];
    if (customId === undefined) continue;
    const duplicate = 'Component custom id cannot be duplicated';
    if (seen.has(customId)) throw invalidField([...at, 'custom_id'], 'COMPONENT_CUSTOM_ID_DUPLICATED', duplicate);
    seen.add(customId);
  }
  return numbered;
}

/** Those in others too. */
export function allComponents(components: readonly unknown[]): Component[] {
  return [...everyOne(components as readonly Component[], [])].map(({ component }) => component);
}

/** What a string select, a radio group or a checkbox group offers. */
export function choicesOf(component: Component): Choice[] {
  const options = Array.isArray(component['options']) ? (component['options'] as Record<string, unknown>[]) : [];
  return options.map(({ value, label, default: isDefault }) => ({
    value: String(value),
    label: String(label),
    isDefault: isDefault === true,
  }));
}

function readComponent(value: unknown, at: Path): Record<string, unknown> {
  const given = objectField(value, at);
  const { type } = given;
  if (typeof type !== 'number' || !Number.isInteger(type) || type < 1 || type > 23) {
    const message = `Value of field "type" must be one of (1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 17, 18).`;
    throw invalidField([...at, 'type'], 'UNION_TYPE_CHOICES', message);
  }
  const isSilent = type === componentTypes.button && silentStyles.includes(given['style']);
  const isInteractive = type === componentTypes.button || selects.includes(type) || inModals.includes(type);
  if (isInteractive && !isSilent) textField(given['custom_id'], [...at, 'custom_id'], 100);
  if (
    type === componentTypes.stringSelect ||
    type === componentTypes.radioGroup ||
    type === componentTypes.checkboxGroup
  )
    readChoices(given['options'], [...at, 'options']);
  if (selects.includes(type)) readBounds(given, at);
  return { ...given, ...innerOf(given, at) };
}

/** The components inside one, read as well. */
function innerOf(given: Record<string, unknown>, at: Path): Record<string, unknown> {
  const inner: Record<string, unknown> = {};
  if (given['components'] !== undefined || given['type'] === componentTypes.actionRow) {
    const here = [...at, 'components'];
    const isRow = given['type'] === componentTypes.actionRow;
    const list = listField(given['components'], here, isRow ? maxInRow : maxComponents);
    if (isRow && list.length === 0)
      throw invalidField(here, 'BASE_TYPE_BAD_LENGTH', `Must be between 1 and ${maxInRow} in length.`);
    inner['components'] = list.map((item, index) => readComponent(item, [...here, String(index)]));
  }
  if (given['type'] === componentTypes.label && given['component'] === undefined) throw required([...at, 'component']);
  for (const field of ['component', 'accessory'])
    if (given[field] !== undefined) inner[field] = readComponent(given[field], [...at, field]);
  return inner;
}

function readChoices(value: unknown, at: Path): void {
  const values = listField(value, at, maxOptions).map((item, index) => {
    const here = [...at, String(index)];
    const option = objectField(item, here);
    textField(option['label'], [...here, 'label'], 100);
    return textField(option['value'], [...here, 'value'], 100);
  });
  if (values.length === 0) throw required(at);
  const again = values.findIndex((value, index) => values.indexOf(value) !== index);
  if (again >= 0) {
    const message = 'The specified option value is already used';
    throw invalidField([...at, String(again), 'value'], 'SELECT_COMPONENT_OPTION_VALUE_DUPLICATED', message);
  }
}

function readBounds(given: Record<string, unknown>, at: Path): void {
  const min = countField(given['min_values'], [...at, 'min_values'], { min: 0, max: maxOptions, fallback: 1 });
  const max = countField(given['max_values'], [...at, 'max_values'], { min: 1, max: maxOptions, fallback: 1 });
  if (min > max)
    throw invalidField([...at, 'min_values'], 'NUMBER_TYPE_MAX', 'min_values must not be above max_values.');
}

/** Those without an `id`, or with 0, get the lowest free numbers, from the outside in and one after the other. */
function numberComponents(components: readonly Record<string, unknown>[]): Component[] {
  const taken = new Set<unknown>();
  for (const { component } of everyOne(components as readonly Component[], [])) taken.add(component['id']);
  let next = 1;
  const number = (component: Record<string, unknown>): Component => {
    let { id } = component;
    if (typeof id !== 'number' || id === 0) {
      while (taken.has(next)) next += 1;
      id = next;
      next += 1;
    }
    const { components: inner, component: child, accessory } = component;
    return {
      ...component,
      type: Number(component['type']),
      id: Number(id),
      ...(Array.isArray(inner) ? { components: inner.map((one) => number(one as Record<string, unknown>)) } : {}),
      ...(child === undefined ? {} : { component: number(child as Record<string, unknown>) }),
      ...(accessory === undefined ? {} : { accessory: number(accessory as Record<string, unknown>) }),
    };
  };
  return components.map(number);
}

function* everyOne(components: readonly Component[], path: Path): Generator<{ component: Component; at: Path }> {
  for (const [index, component] of components.entries()) yield* withInner(component, [...path, String(index)]);
}

function* withInner(component: Component, at: Path): Generator<{ component: Component; at: Path }> {
  yield { component, at };
  const { components, component: child, accessory } = component;
  if (Array.isArray(components)) yield* everyOne(components as Component[], [...at, 'components']);
  if (child !== undefined) yield* withInner(child as Component, [...at, 'component']);
  if (accessory !== undefined) yield* withInner(accessory as Component, [...at, 'accessory']);
}
