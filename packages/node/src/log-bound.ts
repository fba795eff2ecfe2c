/**
 * Bounds the log of a launched process. The launcher gave the process a file to write to, and rotates the file as it
 * reads along; while no orchestrator runs nobody does. So the process looks itself, and steps in only above what an
 * orchestrator would ever let the file grow to: the two are never at it together.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { rotateLog, type Clock } from '@dshard/transport';

const LOOK_EVERY_MS = 30_000;
const STDOUT = 1;

export type LogFile = { path: string; maxBytes: number };

/** As long as the node runs. A log that cannot be looked at is left alone: it costs the bot nothing. */
export function boundLog({ logFile, clock }: { logFile: LogFile | null; clock: Clock }, over: Promise<unknown>): void {
  if (logFile === null) return;
  const { path, maxBytes } = logFile;
  const cancel = clock.every(LOOK_EVERY_MS, () => {
    try {
      const stdout = fstatSync(STDOUT);
      if (!stdout.isFile() || stdout.size <= maxBytes) return;
      const file = openSync(path, 'r+');
      try {
        const { ino, dev } = fstatSync(file);
        // The bot may have been given another output by a script in between.
        if (ino === stdout.ino && dev === stdout.dev) rotateLog(file, path);
      } finally {
        closeSync(file);
      }
    } catch {
      // The disk is full, or the file is gone: the next look may be luckier.
    }
  });
  void over.then(cancel);
}
