/** The shared token: written down, or in a file of its own that nobody else should be able to read. */
import { readFileSync, statSync } from 'node:fs';
import { messageOf, OrchestratorError } from '../errors.js';
import { readField } from './field.js';
import { configEntry, type ConfigKey, type ConfigValues } from './keys.js';

/** Shorter ones can be guessed by somebody patient. */
const SHORT_TOKEN = 16;

/** Where a key was written, for complaints, and what a path written there is relative to. */
export type Places = {
  at(this: void, key: ConfigKey): string;
  pathOf(this: void, key: ConfigKey, path: string): string;
};

export function resolveToken(
  { token, tokenFile }: ConfigValues,
  { at, pathOf }: Places,
  problems: string[],
  warnings: string[],
): string | null {
  if (token !== null && tokenFile !== null) {
    problems.push(`${at('tokenFile')}: tokenFile: there is a token already (${at('token')}): use one of the two.`);
    return null;
  }
  let found = token;
  if (tokenFile !== null) {
    const path = pathOf('tokenFile', tokenFile);
    try {
      found = readTokenFile(path, warnings);
    } catch (error) {
      problems.push(`${at('tokenFile')}: tokenFile: ${messageOf(error)}`);
    }
  }
  if (found !== null && found.length < SHORT_TOKEN) {
    warnings.push(
      `The token has only ${found.length} characters: use at least ${SHORT_TOKEN}, as \`openssl rand -hex 32\` makes.`,
    );
  }
  return found;
}

/** Trimmed. Throws an error that names the file when it cannot be read, is empty or holds no token. */
function readTokenFile(path: string, warnings: string[]): string {
  let content: string;
  try {
    content = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new OrchestratorError(
      'DSO_CONFIG_UNREADABLE',
      `The token file ${path} cannot be read: ${messageOf(cause)}.`,
      {
        cause,
      },
    );
  }
  if (content === '') throw new OrchestratorError('DSO_CONFIG_INVALID', `The token file ${path} is empty.`);
  const { field } = configEntry('token');
  const token = readField(field, content);
  if (token === undefined || token === null) {
    throw new OrchestratorError('DSO_CONFIG_INVALID', `The token file ${path} must hold ${field.expected}.`);
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    warnings.push(`Others on this machine can read the token file ${path}: \`chmod 600 ${path}\` keeps it yours.`);
  }
  return token;
}
