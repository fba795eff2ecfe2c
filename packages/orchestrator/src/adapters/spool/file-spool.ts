/**
 * The spool on a disk: a directory of the orchestrator's own, with a file for each parked shard that only its owner
 * reads. The directory is made when the first shard is parked.
 */
import { constants } from 'node:fs';
import { open, readdir, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Logger } from '@dshard/transport';
import type { SpoolReader, SpoolWriter, StateSpool } from '../../ports/state-spool.js';
import { foreignHands, ownDirectory } from '../private-files.js';

const SUFFIX = '.state';
const NAME = /^[A-Za-z0-9_-]{1,100}$/;
/** Several events at a time: a shard waits for what is read. */
const READ_BYTES = 512 * 1024;

export function fileSpool(directory: string, logger: Logger): StateSpool {
  const pathOf = (file: string): string => {
    if (!NAME.test(file)) throw new Error(`${JSON.stringify(file)} is not the name of a file of the spool`);
    return join(directory, `${file}${SUFFIX}`);
  };
  return {
    host: hostname(),
    async files() {
      const names = await readdir(directory).catch(noneIfMissing);
      const ours = names.filter((name) => name.endsWith(SUFFIX) && NAME.test(name.slice(0, -SUFFIX.length)));
      return Promise.all(
        ours.map(async (name) => {
          const { size } = await stat(join(directory, name));
          return { file: name.slice(0, -SUFFIX.length), bytes: size };
        }),
      );
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(await nearest(directory));
      return bavail * bsize;
    },
    async create(file) {
      const path = pathOf(file);
      const mended = ownDirectory(directory);
      if (mended !== null) logger.warn({ directory }, mended);
      return writer(await open(path, 'wx', 0o600), directory);
    },
    async open(file) {
      const path = pathOf(file);
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      const hands = foreignHands(await handle.stat());
      if (hands === null) return reader(handle);
      await handle.close();
      throw new Error(`${path} ${hands}, so what is in it cannot be trusted`);
    },
    remove: (file) => rm(pathOf(file), { force: true }),
  };
}

function writer(handle: FileHandle, directory: string): SpoolWriter {
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.byteLength;) at += (await handle.write(bytes, at)).bytesWritten;
    },
    async finish() {
      await handle.sync();
      await handle.close();
      const parent = await open(directory, 'r');
      try {
        await parent.sync();
      } finally {
        await parent.close();
      }
    },
    discard: () => handle.close(),
  };
}

function reader(handle: FileHandle): SpoolReader {
  return {
    async read() {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES, null);
      return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}

/** The directory may not be there yet. */
async function nearest(directory: string): Promise<string> {
  const found = await stat(directory).catch(() => null);
  return found !== null || dirname(directory) === directory ? directory : nearest(dirname(directory));
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
