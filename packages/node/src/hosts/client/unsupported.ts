/** Whether a client is what a host was made for. */
import { NodeError } from '../../errors.js';

/** `paths`: what is called or replaced, beyond what the library documents. Throws `DSO_LIBRARY_UNSUPPORTED`. */
export function checkInternals(library: string, version: string, client: object, paths: readonly string[]): void {
  const missing = paths.filter((path) => valueAt(client, path) === undefined);
  if (missing.length === 0) return;
  throw new NodeError(
    'DSO_LIBRARY_UNSUPPORTED',
    `orchestrated() was made for the client of ${library} ${version}, and the one it was given has no ${missing.join(', ')}.`,
  );
}

function valueAt(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}
