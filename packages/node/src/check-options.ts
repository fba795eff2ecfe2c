/** Options are checked where they come in: unknown keys are refused with the nearest known one, values with their range. */
import { NodeError } from './errors.js';

/** Throws `DSO_NODE_OPTIONS_INVALID` when `options` has a key that is not in `known`. `where` names the options: "createNode". */
export function refuseUnknownKeys(where: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      const near = nearest(key, known);
      throw invalidOption(where, key, `is not known${near === null ? '' : `; did you mean "${near}"?`}`);
    }
  }
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

/** The known key that differs in the fewest letters, if few enough. */
function nearest(key: string, known: readonly string[]): string | null {
  let best: { name: string; distance: number } | null = null;
  for (const name of known) {
    const distance = editDistance(key.toLowerCase(), name.toLowerCase());
    if (best === null || distance < best.distance) {
      best = { name, distance };
    }
  }
  return best !== null && best.distance <= Math.max(2, key.length / 3) ? best.name : null;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
