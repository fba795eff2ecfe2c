/**
 * Reading plain data back that was stored. A `Shape` has one reader for each field of a type, so that the compiler sees
 * when the two part; a reader returns what it was given, or throws `Unreadable`.
 */
import { isNodeId } from '@dshard/protocol';

export class Unreadable extends Error {}

export type Reader<T> = (value: unknown) => T;
export type Shape<T> = { readonly [K in keyof T]: Reader<T[K]> };

function reader<T>(accepts: (value: unknown) => value is T): Reader<T> {
  return (value) => (accepts(value) ? value : unreadable());
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';

export const text: Reader<string> = reader(isText);
export const flag: Reader<boolean> = reader((value): value is boolean => typeof value === 'boolean');
export const time: Reader<number> = reader(isNumber);
export function within(min: number, max: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return reader(
    (value): value is number => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
  );
}

export const count: Reader<number> = within(0);
export const nodeId: Reader<string> = reader((value): value is string => isText(value) && isNodeId(value));

export const nothing: Reader<null> = reader((value): value is null => value === null);

export function oneOf<T extends string>(...known: readonly T[]): Reader<T> {
  return reader((value): value is T => known.some((each) => each === value));
}

export function nullOr<T>(read: Reader<T>): Reader<T | null> {
  return (value) => (value === null ? null : read(value));
}

/** For a field that records had not from the beginning. */
export function orElse<T>(fallback: T, read: Reader<T>): Reader<T> {
  return (value) => (value === undefined ? fallback : read(value));
}

export function listOf<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value) => (Array.isArray(value) ? value.map(read) : unreadable());
}

export const none: Reader<readonly []> = (value) => (Array.isArray(value) && value.length === 0 ? [] : unreadable());

function exactlyOne<T>(read: Reader<T>): Reader<readonly [T]> {
  return (value) => (Array.isArray(value) && value.length === 1 ? [read(value[0])] : unreadable());
}

export function someOf<T>(read: Reader<T>): Reader<readonly [T, ...T[]]> {
  return (value) => {
    const [first, ...others] = listOf(read)(value);
    return first === undefined ? unreadable() : [first, ...others];
  };
}

export function atMostOne<T>(read: Reader<T>): Reader<readonly [] | readonly [T]> {
  return (value) => (Array.isArray(value) && value.length === 0 ? [] : exactlyOne(read)(value));
}

export function object<T extends object>(shape: Shape<T>): Reader<T> {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return unreadable();
    const given: { readonly [key: string]: unknown } = { ...value };
    const names = Object.keys(shape) as (keyof T & string)[];
    return Object.fromEntries(names.map((name) => [name, shape[name](given[name])])) as T;
  };
}

/** The fields of a shape, and no others. */
export function picked<T extends object>(shape: Shape<T>, value: T): T {
  const names = Object.keys(shape) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, value[name]])) as T;
}

function unreadable(): never {
  throw new Unreadable('The record makes no sense.');
}
