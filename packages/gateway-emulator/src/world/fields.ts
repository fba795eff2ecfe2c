/** Reads fields of what the bot sends by REST. Each throws RestError with the field's path and Discord's words. */
import { isObject } from '../core/json.js';
import { invalidField } from './rest-error.js';

export type Path = readonly string[];

export function objectField(value: unknown, path: Path): Record<string, unknown> {
  if (isObject(value)) return value;
  throw invalidField(path, 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType');
}

/** Missing counts as empty. */
export function listField(value: unknown, path: Path, max: number): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value))
    throw invalidField(path, 'BASE_TYPE_BAD_LIST', 'Only iterables may be used in a ListType.');
  if (value.length > max) throw invalidField(path, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`);
  return value;
}

/** A text of at least one character. */
export function textField(value: unknown, path: Path, max: number): string {
  if (value === undefined || value === null || value === '') throw required(path);
  if (typeof value === 'string' && value.length <= max) return value;
  throw invalidField(path, 'BASE_TYPE_BAD_LENGTH', `Must be between 1 and ${max} in length.`);
}

/** An integer from `min` to `max`; missing counts as `fallback`. */
export function countField(
  value: unknown,
  path: Path,
  { min, max, fallback }: { min: number; max: number; fallback: number },
): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidField(path, 'NUMBER_TYPE_MAX', `int value should be between ${min} and ${max}.`);
}

export function required(path: Path): Error {
  return invalidField(path, 'BASE_TYPE_REQUIRED', 'This field is required');
}
