/** The shared token in a file of its own: nodes, the orchestrator and the command line read it alike. */
import { messageOf, withoutTokens } from '@dshard/protocol';
import { TransportError } from './errors.js';
import { readNamedFile } from './read-file.js';

/** A token travels in a header: printable characters without blanks. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
/** More is no token. */
const MAX_BYTES = 64 * 1024;

/** Without the blanks around it. Throws `DSO_TOKEN_FILE_UNUSABLE`: unreadable, empty, or no token. */
export function readTokenFile(path: string): string {
  const token = contentOf(path).trim();
  if (token === '') throw unusable(`The token file ${path} is empty.`);
  if (!isToken(token)) {
    throw unusable(`The token file ${path} must hold printable characters without blanks.`);
  }
  return token;
}

function contentOf(path: string): string {
  try {
    return readNamedFile(path, MAX_BYTES).toString('utf8');
  } catch (cause) {
    throw unusable(`The token file ${path} cannot be read: ${messageOf(cause)}.`, cause);
  }
}

/** Where the name of a file is expected, people write the token itself. */
function unusable(message: string, cause?: unknown): TransportError {
  return new TransportError('DSO_TOKEN_FILE_UNUSABLE', withoutTokens(message), { cause });
}
