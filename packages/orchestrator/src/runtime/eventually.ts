/** For ports that may answer at once or later: what is there at once is used at once, so that nothing comes in between. */
import type { Eventually } from '../ports/state-store.js';

export function isPromise<T>(value: Eventually<T>): value is Promise<T> {
  return value instanceof Promise;
}

export function whenDone<T, R>(value: Eventually<T>, go: (value: T) => R): Eventually<R> {
  return isPromise(value) ? value.then((settled) => go(settled)) : go(value);
}
