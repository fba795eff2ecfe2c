/** The shared token: written down, or in a file of its own that nobody else should be able to read. */
import { statSync } from 'node:fs';
import { messageOf } from '@dshard/protocol';
import { isLoopback, parseAddress, readTokenFile } from '@dshard/transport';
import { isHandedOver } from './handed-files.js';
import type { ConfigKey, ConfigValues } from './keys.js';

/** Below, whoever has seen one proof can find the token by guessing. */
const ENOUGH_BITS = 128;

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
  const bits = found === null ? ENOUGH_BITS : mostBits(found);
  if (bits < ENOUGH_BITS) {
    warnings.push(
      `The token has at most ${bits} bits: who has seen one connection of a node could guess it. Use ${ENOUGH_BITS} at least, as \`openssl rand -hex 32\` makes.`,
    );
  }
  return found;
}

/** In the favour of the token: as if each of its characters were drawn from all that are like it. */
function mostBits(token: string): number {
  const kinds: [RegExp, number][] = [
    [/^\d+$/, 10],
    [/^[\da-f]+$/i, 16],
    [/^[\da-z]+$/, 36],
    [/^[\da-z]+$/i, 62],
  ];
  const alphabet = kinds.find(([kind]) => kind.test(token))?.[1] ?? 94;
  return Math.floor(token.length * Math.log2(alphabet));
}

/** Throws what is wrong with it; what merely should be better is a warning. */
function checkedTokenFile(path: string, warnings: string[]): string {
  const token = readTokenFile(path);
  if ((statSync(path).mode & 0o077) !== 0 && !isHandedOver(path)) {
    warnings.push(`Others on this machine can read the token file ${path}: \`chmod 600 ${path}\` keeps it yours.`);
  }
  return token;
}

/** Beyond loopback a token has to be chosen: other machines could not know one that is made here. */
export function makesToken({ tokenless, listen }: ConfigValues, token: string | null): boolean {
  return token === null && !tokenless && isLoopback(parseAddress(listen).host);
}

/** Settings that let somebody in who proves nothing. */
export function trustWarnings(
  { tokenless, allowBaseLevelPeers, listen }: ConfigValues,
  token: string | null,
): string[] {
  if (tokenless && token === null) {
    return ['tokenless is on: every process on this machine can be a node of the bot and take shards.'];
  }
  if (!allowBaseLevelPeers) return [];
  return [
    `allowBaseLevelPeers is on: whoever reaches ${listen} can be a base-level node and take shards, without the token.`,
  ];
}
