/** The shared token in a file of its own: nodes, the orchestrator and the command line read it alike. */
import { readFileSync } from 'node:fs';
import { messageOf, withoutTokens } from '@dshard/protocol';
import { TransportError } from './errors.js';

/** A token travels in a header: printable characters without blanks. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Without the blanks around it. Throws `DSO_TOKEN_FILE_UNUSABLE`: unreadable, empty, or no token. */
export function readTokenFile(path: string): string {
  const token = contentOf(path).trim();
  if (token === '') throw unusable(`The token file ${path} is empty.`);
  if (!TOKEN.test(token)) {
    throw unusable(`The token file ${path} must hold printable characters without blanks.`);
  }
  return token;
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unusable(`The token file ${path} cannot be read: ${messageOf(cause)}.`, cause);
  }
}

/** Where the name of a file is expected, people write the token itself. */
function unusable(message: string, cause?: unknown): TransportError {
  return new TransportError('DSO_TOKEN_FILE_UNUSABLE', withoutTokens(message), { cause });
}
