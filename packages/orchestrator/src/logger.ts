/**
 * The orchestrator's log: JSON lines for machines (pino), or lines for people:
 *
 *     18:41:09 info   Node web-1 joined with 4 shards.
 *     18:41:10 info   web-1 | ready                       (what a node process printed)
 */
import { pino } from 'pino';
import { printable } from '@dshard/protocol';
import { systemClock, type Clock, type Logger } from '@dshard/transport';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LoggerOptions = {
  level: LogLevel;
  /** null: lines for people on a terminal, JSON elsewhere. */
  pretty: boolean | null;
  /** Where the lines go. Default: stderr. */
  stream?: LogStream;
  clock?: Clock;
};

export type LogStream = { isTTY?: boolean; write(text: string): unknown };

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Whose level can be changed while it is used. */
export type LevelledLogger = Logger & { setLevel(this: void, level: LogLevel): void };

export function createLogger(options: LoggerOptions): LevelledLogger {
  const { level, stream = process.stderr, clock = systemClock() } = options;
  if (options.pretty ?? stream.isTTY === true) return linesLogger(level, stream, clock);
  const logger = pino({ level, base: null }, { write: (line: string) => void stream.write(line) });
  return Object.assign(logger, {
    setLevel(next: LogLevel) {
      logger.level = next;
    },
  });
}

function linesLogger(first: LogLevel, stream: LogStream, clock: Clock): LevelledLogger {
  let least = first;
  const at =
    (level: LogLevel) =>
    (fields: Record<string, unknown>, message: string): void => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
      stream.write(`${formatLine({ at: clock.wallClock(), level, fields, message, color: stream.isTTY === true })}\n`);
    };
  const setLevel = (level: LogLevel): void => {
    least = level;
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), setLevel };
}

export type LogEntry = {
  at: number;
  level: LogLevel;
  fields: Readonly<Record<string, unknown>>;
  message: string;
  color: boolean;
};

const COLORS: Readonly<Record<LogLevel, string>> = { debug: '2', info: '32', warn: '33', error: '31', silent: '0' };

/**
 * Our sentences name their things, so at `info` the fields stay away; where something is wrong, what the sentence does
 * not name stands behind it.
 */
export function formatLine({ at, level, fields, message, color }: LogEntry): string {
  const text = printable(message);
  const { node, err, event: _named, ...others } = fields;
  const prefix = typeof node === 'string' && !text.includes(node) ? `${printable(node)} | ` : '';
  const rest = (level === 'info' ? [] : Object.entries(others))
    .map(
      ([name, value]) => [name, printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))] as const,
    )
    .filter(([, value]) => !text.includes(value))
    .map(([name, value]) => ` ${name}=${value}`);
  const stack = err instanceof Error && level === 'error' ? `\n${err.stack ?? err.message}` : '';
  const shownLevel = color ? `\u001b[${COLORS[level]}m${level.padEnd(5)}\u001b[0m` : level.padEnd(5);
  return `${timeOf(at)} ${shownLevel}  ${prefix}${text}${rest.join('')}${stack}`;
}

/** Local time: these lines are read on the machine they are written on. */
function timeOf(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
