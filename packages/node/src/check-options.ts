/** Options are checked where they come in: an unknown key is refused with the nearest one, a value with its range. */
import { nearest } from '@dshard/protocol';
import { NodeError } from './errors.js';

/** Throws `DSO_NODE_OPTIONS_INVALID` for a key that is not in `known`. `where` names the options: "createNode". */
export function refuseUnknownKeys(where: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      const near = nearest(key, known);
      throw invalidOption(where, key, `is not known${near === null ? '' : `; did you mean "${near}"?`}`);
    }
  }
}

/** Those of `options` that are called so, as they are. */
export function picked<T extends object, Key extends keyof T>(options: T, keys: readonly Key[]): Pick<T, Key> {
  const present = keys.filter((key) => key in options);
  return Object.fromEntries(present.map((key) => [key, options[key]])) as Pick<T, Key>;
}

/** `problem` continues the sentence 'The option "x" of createNode …'. */
export function invalidOption(where: string, key: string, problem: string): NodeError {
  return new NodeError('DSO_NODE_OPTIONS_INVALID', `The option "${key}" of ${where} ${problem}`);
}

/** `value`, or `fallback` when undefined. Throws unless it is a whole number in the range. */
export function wholeNumber(
  where: string,
  key: string,
  value: number | undefined,
  fallback: number,
  range: { min: number; max: number },
): number {
  if (value === undefined) {
    return fallback;
  }
  if (!Number.isInteger(value) || value < range.min || value > range.max) {
    throw invalidOption(where, key, `is ${value}, but must be a whole number from ${range.min} to ${range.max}.`);
  }
  return value;
}

/** State that is copied while its shard serves has to be brought up to date when the shard is frozen. */
export function checkStateHooks(where: string, state: { exportState?: unknown; exportDelta?: unknown } = {}): void {
  if (state.exportState === undefined || state.exportDelta !== undefined) return;
  throw invalidOption(where, 'state', 'has exportState and no exportDelta, so what changes meanwhile would be lost.');
}

/** Two options that are of no use without each other. */
export function checkPair<const Key extends string>(
  where: string,
  options: { readonly [Name in Key]?: unknown },
  [one, other]: readonly [Key, Key],
): void {
  for (const [given, missing] of [
    [one, other],
    [other, one],
  ] as const) {
    if (options[given] === undefined || options[missing] !== undefined) continue;
    throw invalidOption(where, given, `needs ${missing} as well: what one gives, the other takes.`);
  }
}
