/**
 * What the launcher remembers of its processes, one file each (`<dataDir>/nodes/<nodeId>.json`), so that a restarted
 * orchestrator finds them again. A file is written whole or not at all; one that cannot be read is reported and
 * removed.
 */
import { openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { OrchestratorError } from '../../errors.js';
import { ownDirectory } from '../private-files.js';
import type { ProcessIdentity } from './process-identity.js';

export type ProcessRecord = ProcessIdentity & {
  node: string;
  command: readonly string[];
  /** Milliseconds since the epoch. */
  launchedAt: number;
  /** How far its log was read when the launcher was closed; null when it was not closed (it was killed). */
  logOffset: number | null;
};

export type ProcessRegistry = {
  logPath(node: string): string;
  /** Opens the node's log for a process to append to; the caller closes the descriptor. */
  openLog(node: string): number;
  read(): readonly ProcessRecord[];
  write(record: ProcessRecord): void;
  remove(node: string): void;
  /** Removes the logs of ended processes but for the newest `keep`. */
  pruneLogs(keep: number): void;
};

/** Throws `DSO_DATA_DIR_UNUSABLE` when the directory cannot be made. */
export function processRegistry(dataDir: string, logger: Logger): ProcessRegistry {
  const directory = join(dataDir, 'nodes');
  const pathOf = (node: string): string => join(directory, `${node}.json`);
  try {
    const mended = ownDirectory(directory);
    if (mended !== null) logger.warn({ directory }, mended);
  } catch (cause) {
    throw unusable(directory, cause);
  }

  const readOne = (name: string): ProcessRecord | null => {
    const path = join(directory, name);
    if (!statSync(path).isFile()) {
      logger.warn(
        { file: path },
        `${path} is not a record of a node process, but not a file either; it is left alone.`,
      );
      return null;
    }
    const record = parseRecord(readFileSync(path, 'utf8'));
    if (record !== null && `${record.node}.json` === name) return record;
    logger.warn({ file: path }, `${path} is not a record of a node process; it is removed.`);
    rmSync(path, { force: true });
    return null;
  };

  const logPath = (node: string): string => join(directory, `${node}.log`);

  return {
    logPath,
    openLog: (node) => {
      try {
        return openSync(logPath(node), 'a', 0o600);
      } catch (cause) {
        throw unusable(logPath(node), cause);
      }
    },
    read: () => {
      try {
        return readdirSync(directory)
          .filter((name) => name.endsWith('.json'))
          .map((name) => readOne(name))
          .filter((record) => record !== null);
      } catch (cause) {
        throw unusable(directory, cause);
      }
    },
    write: (record) => {
      const path = pathOf(record.node);
      try {
        writeFileSync(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
        renameSync(`${path}.new`, path);
      } catch (cause) {
        throw unusable(path, cause);
      }
    },
    remove: (node) => {
      rmSync(pathOf(node), { force: true });
    },
    pruneLogs: (keep) => {
      const names = new Set(readdirSync(directory));
      const ended = [...names]
        .filter((name) => name.endsWith('.log') && !names.has(`${name.slice(0, -'.log'.length)}.json`))
        .map((name) => ({ path: join(directory, name), writtenAt: modifiedAt(join(directory, name)) }))
        .sort((a, b) => b.writtenAt - a.writtenAt);
      for (const { path } of ended.slice(keep)) {
        rmSync(path, { force: true });
        rmSync(`${path}.1`, { force: true });
      }
    },
  };
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function unusable(path: string, cause: unknown): OrchestratorError {
  return new OrchestratorError('DSO_DATA_DIR_UNUSABLE', `${path} cannot be used: ${messageOf(cause)}.`, { cause });
}

function parseRecord(text: string): ProcessRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { node, pid, startTime, command, launchedAt, logOffset } = value as Record<string, unknown>;
  // A pid of 0 or below would address a whole process group.
  if (typeof node !== 'string' || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return null;
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string')) return null;
  if (typeof launchedAt !== 'number') return null;
  return {
    node,
    pid,
    startTime: typeof startTime === 'string' ? startTime : null,
    command,
    launchedAt,
    logOffset: typeof logOffset === 'number' ? logOffset : null,
  };
}
