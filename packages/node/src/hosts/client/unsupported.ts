/** What a host says of a client that is not what it was made for. */
import { NodeError } from '../../errors.js';

export function unsupported(library: string, version: string, missing: readonly string[]): NodeError {
  return new NodeError(
    'DSO_LIBRARY_UNSUPPORTED',
    `orchestrated() was made for the client of ${library} ${version}, and the one it was given has no ${missing.join(', ')}.`,
  );
}
