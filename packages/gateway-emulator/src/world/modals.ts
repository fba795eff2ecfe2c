/**
 * Modals: read when the bot shows one ("Receiving and Responding: Modal"), and filled in by somebody. A modal that
 * cannot be is refused as Discord does (RestError); what its fields do not take, with `DSO_EMULATOR_BAD_REQUEST`.
 */
import { badRequest } from '../errors.js';
import { allComponents, choicesOf, componentTypes, isSelect, readComponents, type Component } from './components.js';
import { listField, objectField, textField } from './fields.js';
import { chooseValues } from './menu-values.js';
import { invalidField } from './rest-error.js';
import type { Resolved } from './resolved.js';

export type Modal = { customId: string; title: string; components: readonly Component[] };

/** By `custom_id`: a text, yes or no, what is chosen or uploaded. What is left out is as the bot filled it in. */
export type ModalValues = { [customId: string]: string | boolean | readonly string[] };

const maxTopLevel = 5;
const maxText = 4_000;
const topLevel: readonly number[] = [componentTypes.actionRow, componentTypes.textDisplay, componentTypes.label];

export function readModal(value: unknown): Modal {
  const modal = objectField(value, ['data']);
  const at = ['data', 'components'];
  const customId = textField(modal['custom_id'], ['data', 'custom_id'], 100);
  const title = textField(modal['title'], ['data', 'title'], 45);
  const count = listField(modal['components'], at, maxTopLevel).length;
  if (count === 0) throw invalidField(at, 'BASE_TYPE_BAD_LENGTH', `Must be between 1 and ${maxTopLevel} in length.`);
  const components = readComponents(modal['components'], at, maxTopLevel);
  for (const [index, { type, components: inner }] of components.entries()) {
    const isRow = type === componentTypes.actionRow;
    const fits = topLevel.includes(type) && (!isRow || isTextInputs(inner));
    if (fits) continue;
    const message = 'Value of field "type" must be one of (1, 10, 18), with a text input in an action row.';
    throw invalidField([...at, String(index), 'type'], 'UNION_TYPE_CHOICES', message);
  }
  return { customId, title, components };
}

/** The `components` of the submission. */
export function fillModal({ customId, components }: Modal, values: ModalValues, resolved: Resolved): object[] {
  const fields = allComponents(components).filter((component) => component['custom_id'] !== undefined);
  const names = fields.map((field) => String(field['custom_id']));
  for (const name of Object.keys(values)) {
    if (names.includes(name)) continue;
    throw badRequest(`the modal "${customId}" has no field "${name}"; it has ${names.join(', ')}`);
  }
  const fill = (component: Component): object => {
    const { type, id, components: inner, component: child } = component;
    if (type === componentTypes.actionRow) return { type, id, components: (inner as Component[]).map(fill) };
    if (type === componentTypes.label) return { type, id, component: fill(child as Component) };
    if (component['custom_id'] === undefined) return { type, id };
    return { type, id, custom_id: component['custom_id'], ...fillField(component, values, resolved) };
  };
  return components.map(fill);
}

function isTextInputs(inner: unknown): boolean {
  return Array.isArray(inner) && inner.length === 1 && (inner[0] as Component).type === componentTypes.textInput;
}

function fillField(field: Component, values: ModalValues, resolved: Resolved): object {
  const name = String(field['custom_id']);
  const filled = values[name];
  switch (field.type) {
    case componentTypes.textInput:
      return { value: fillText(field, filled ?? textOf(field['value'])) };
    case componentTypes.checkbox: {
      const value = filled ?? field['default'] === true;
      if (typeof value !== 'boolean') throw badRequest(`"${name}" must be true or false`);
      return { value };
    }
    case componentTypes.radioGroup: {
      const chosen = fillChosen(field, filled, resolved, { max: 1 });
      return { value: chosen[0] ?? null };
    }
    case componentTypes.checkboxGroup:
      return { values: fillChosen(field, filled, resolved, { max: choicesOf(field).length }) };
    case componentTypes.fileUpload:
      return { values: fillChosen(field, filled, resolved, {}) };
    default:
      if (isSelect(field)) return { values: fillChosen(field, filled, resolved, {}) };
      throw badRequest(`"${name}" is a component of type ${field.type}, which modals do not have`);
  }
}

function fillText(field: Component, filled: ModalValues[string]): string {
  const name = String(field['custom_id']);
  if (typeof filled !== 'string') throw badRequest(`"${name}" must be a text`);
  const isOptional = field['required'] === false;
  const min = numberOf(field['min_length'], isOptional ? 0 : 1);
  const max = numberOf(field['max_length'], maxText);
  const fits =
    filled.length <= max && (filled.length >= Math.max(min, isOptional ? 0 : 1) || (isOptional && filled === ''));
  if (fits) return filled;
  throw badRequest(`"${name}" must have ${min} to ${max} characters, and has ${filled.length}`);
}

/** Of a menu that is not required, nothing may be chosen. */
function fillChosen(
  field: Component,
  filled: ModalValues[string] | undefined,
  resolved: Resolved,
  { max }: { max?: number },
): string[] {
  const name = String(field['custom_id']);
  if (typeof filled === 'boolean') throw badRequest(`"${name}" must be a list of values`);
  const chosen = filled === undefined ? defaultsOf(field) : typeof filled === 'string' ? [filled] : filled;
  if (field['required'] === false && chosen.length === 0) return [];
  const min = Math.max(field['required'] === false ? 0 : 1, numberOf(field['min_values'], 1));
  return chooseValues(field, chosen, resolved, { min, max: numberOf(field['max_values'], max ?? 1) });
}

function defaultsOf(field: Component): string[] {
  const values: unknown = field['default_values'];
  if (Array.isArray(values)) return values.map((value: { id?: unknown }) => String(value.id));
  return choicesOf(field).flatMap(({ value, isDefault }) => (isDefault ? [value] : []));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}
