/**
 * The token of an orchestrator for which nobody chose one: made once, and kept in a file that only its user can read.
 * Nodes that the launcher starts are given the token; nodes of the same user that are started by hand beside the file
 * find it (`@dshard/node`). So another user of the machine can neither take shards nor play the orchestrator.
 */
import { existsSync, linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '@dshard/protocol';
import { readTokenFile, type Logger, type Random } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';
import { foreignHands, ownDirectory } from '../private-files.js';

const TOKEN_BYTES = 32;

/** Throws `DSO_DATA_DIR_UNUSABLE`, or `DSO_TOKEN_FILE_UNUSABLE`. */
export function ownToken(path: string, random: Random, logger: Logger): string {
  requireOwnPlace(path, logger);
  if (!existsSync(path)) make(path, random);
  const token = readTokenFile(path);
  if ((statSync(path).mode & 0o077) !== 0) {
    logger.warn({ path }, `Others on this machine can read the token in ${path}: delete the file, and start again.`);
  }
  logger.info({ path }, `Nodes prove that they know the token in ${path}.`);
  return token;
}

/** The file is there whole or not at all, and the first of two orchestrators that start at once makes it. */
function make(path: string, random: Random): void {
  try {
    const draft = `${path}.${hex(random.bytes(8))}`;
    writeFileSync(draft, `${hex(random.bytes(TOKEN_BYTES))}\n`, { mode: 0o600, flag: 'wx' });
    try {
      linkSync(draft, path);
    } finally {
      rmSync(draft);
    }
  } catch (cause) {
    if (existsSync(path)) return;
    throw unusable(path, cause);
  }
}

/** Whoever can write there could put a token of his own in the place of ours. */
function requireOwnPlace(path: string, logger: Logger): void {
  try {
    const mended = ownDirectory(dirname(path));
    if (mended !== null) logger.warn({ directory: dirname(path) }, mended);
    const found = statSync(path, { throwIfNoEntry: false });
    const hands = found === undefined ? null : foreignHands(found);
    if (hands !== null) throw new Error(`${path} ${hands}, so the token in it cannot be trusted`);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function unusable(path: string, cause: unknown): OrchestratorError {
  return new OrchestratorError(
    'DSO_DATA_DIR_UNUSABLE',
    `The token for nodes cannot be kept in ${path}: ${messageOf(cause)}. Let this user write there, set ` +
      'launcher.dataDir (--data-dir), or choose a token yourself (DSO_TOKEN).',
    { cause },
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
