/** The shared token: written down, or in a file of its own that nobody else should be able to read. */
import { statSync } from 'node:fs';
import { messageOf } from '@dshard/protocol';
import { readTokenFile } from '@dshard/transport';
import type { ConfigKey, ConfigValues } from './keys.js';

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
      found = checkedTokenFile(path, warnings);
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

/** Throws what is wrong with it; what merely should be better is a warning. */
function checkedTokenFile(path: string, warnings: string[]): string {
  const token = readTokenFile(path);
  if ((statSync(path).mode & 0o077) !== 0) {
    warnings.push(`Others on this machine can read the token file ${path}: \`chmod 600 ${path}\` keeps it yours.`);
  }
  return token;
}
