/** What says the same is the same object: whoever looks for changes compares references. */

/** @returns `before` where `after` is equal to it, else `after`. Both are plain data. */
export function sameOr<T>(before: T, after: T): T {
  return isSame(before, after) ? before : after;
}

/** A list whose equal things are those of before; the whole list of before where nothing has changed. */
export function sameList<T>(before: readonly T[], after: readonly T[], keyOf: (thing: T) => string): readonly T[] {
  const known = new Map(before.map((thing) => [keyOf(thing), thing]));
  const next = after.map((thing) => {
    const was = known.get(keyOf(thing));
    return was === undefined ? thing : sameOr(was, thing);
  });
  return next.length === before.length && next.every((thing, index) => thing === before[index]) ? before : next;
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (keys.length !== others.length) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]));
}
