/**
 * Loaded into every bot process before the bot (`node --import`). It writes down, for the judge, what the process
 * itself shows: that it began and ended, each line it printed, each promise whose rejection nobody handled. It changes
 * nothing of what happens then.
 */
import { appendFileSync } from 'node:fs';
import { systemClock } from '@dshard/transport';
import type { WatchEntry } from './watch.js';

const file = process.env['BOT_WATCH_FILE'] ?? '';
const clock = systemClock();

function note(kind: WatchEntry['kind'], text = ''): void {
  const entry: WatchEntry = { pid: process.pid, at: clock.monotonicMs(), kind, text };
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

const textOf = (error: unknown): string =>
  error instanceof Error
    ? `${'code' in error ? `${String(error.code)} ` : ''}${error.stack ?? error.message}`
    : String(error);

note('started');
process.on('exit', (code) => note('exit', String(code)));
process.on('uncaughtExceptionMonitor', (error) => note('died', textOf(error)));

// A listener for unhandledRejection would keep the process from ending of it, as it would without us.
const emit = process.emit.bind(process) as (event: string, ...args: unknown[]) => boolean;
process.emit = ((event: string, ...args: unknown[]) => {
  if (event === 'unhandledRejection') note('rejection', textOf(args[0]));
  return emit(event, ...args);
}) as typeof process.emit;

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]): boolean => {
    for (const line of String(chunk).trimEnd().split('\n')) note('line', line);
    return write(chunk, ...rest);
  };
}
