/**
 * `dso status --watch`: the status again and again, until the program is ended. On a terminal the screen is redrawn in
 * place and comes back as it was at the end; elsewhere a line tells each change. An orchestrator that does not answer
 * for a while is waited for, and what was known last is shown as old.
 */
import type { StatusV1 } from '@dshard/api';
import { printableJson } from '@dshard/protocol';
import { delay, systemClock, type Clock } from '@dshard/transport';
import { createClient } from '../client.js';
import { resolveTargets, type ConnectionOptions } from '../connection-options.js';
import { CliError } from '../errors.js';
import { leaderAmong } from '../leader.js';
import { painted, terminalOf } from '../output/terminal.js';
import { shortSpan, timeOfDay } from '../output/times.js';
import { describeStatus, headline } from './status-text.js';

const LOOK_MS = 1_000;
/** What shells say of a program that Ctrl-C ended. */
const INTERRUPTED_EXIT_CODE = 130;

export type WatchStream = { isTTY?: boolean; columns?: number; rows?: number; write(text: string): unknown };

/** `silentMs`: how long nobody has answered. */
type Seen = { status: StatusV1; silentMs: number };
type Display = { show(seen: Seen): void; end(): void };

export async function watchStatus(
  options: ConnectionOptions,
  json: boolean,
  clock: Clock = systemClock(),
): Promise<never> {
  const targets = resolveTargets(options, process.env);
  const look = async (): Promise<StatusV1> => createClient(await leaderAmong(targets), { exact: json }).ask('status');
  let status = await look();
  const display = displayOn(process.stdout, json, clock);
  const end = (): void => {
    display.end();
    process.exit(INTERRUPTED_EXIT_CODE);
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  let heardAt = clock.now();
  const show = (): void => display.show({ status, silentMs: clock.now() - heardAt });
  try {
    for (;;) {
      show();
      await delay(clock, LOOK_MS);
      const looked = look().then(
        (found) => ({ found }),
        (error: unknown) => ({ error }),
      );
      // Who does not answer at all is waited for, and what is shown meanwhile grows old.
      const answer = await shownUntil(looked, show, clock);
      if ('found' in answer) {
        status = answer.found;
        heardAt = clock.now();
      } else if (!isAway(answer.error)) throw answer.error;
    }
  } finally {
    display.end();
  }
}

async function shownUntil<T>(awaited: Promise<T>, show: () => void, clock: Clock): Promise<T> {
  for (;;) {
    const answer = await Promise.race([awaited.then((value) => ({ value })), delay(clock, LOOK_MS)]);
    if (typeof answer === 'object') return answer.value;
    show();
  }
}

/** Nobody answers, or who does is starting. Anything else it says (a wrong token) ends the watch. */
function isAway(error: unknown): boolean {
  return error instanceof CliError && (error.code === 'DSO_CLI_UNREACHABLE' || error.status === 503);
}

export function displayOn(stream: WatchStream, json: boolean, clock: Clock): Display {
  if (json) return documents(stream);
  return stream.isTTY === true && process.env['TERM'] !== 'dumb' ? screen(stream, clock) : changes(stream, clock);
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const REST_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';
const USUAL_ROWS = 24;

/** Line by line over what was there, so that nothing flickers. The last status stays behind at the end. */
function screen(stream: WatchStream, clock: Clock): Display {
  let last: string | null = null;
  return {
    show({ status, silentMs }) {
      const terminal = terminalOf(stream);
      const text = describeStatus(status, terminal);
      const time = timeOfDay(clock.wallClock()).slice(0, 8);
      const head =
        silentMs < 2 * LOOK_MS
          ? painted(`${time}  every second; Ctrl-C ends`, 'faint', terminal)
          : painted(
              `${time}  The orchestrator does not answer for ${shortSpan(silentMs)}; this is old:`,
              'bad',
              terminal,
            );
      const lines = [head, ...text.split('\n')];
      const room = Math.max(2, (stream.rows ?? USUAL_ROWS) - 1);
      const shown =
        lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
      const begin = last === null ? ENTER : '';
      last = text;
      stream.write(`${begin}${HOME}${shown.map((line) => `${line}${REST_OF_LINE}`).join('\n')}${REST_OF_SCREEN}`);
    },
    end() {
      if (last !== null) stream.write(`${LEAVE}${last}\n`);
      last = null;
    },
  };
}

/** For a log: a line when the counts or the alarms change, or when the orchestrator goes or comes. */
function changes(stream: WatchStream, clock: Clock): Display {
  let told = '';
  return {
    show({ status, silentMs }) {
      const alarms = status.alarms.map(({ kind, reason }) => `; ${kind}: ${reason}`).join('');
      const line =
        silentMs < 2 * LOOK_MS ? `${headline(status)}${alarms}` : 'The orchestrator does not answer; waiting …';
      if (line === told) return;
      told = line;
      stream.write(`${timeOfDay(clock.wallClock())}  ${line}\n`);
    },
    end: () => undefined,
  };
}

/** For programs: one document per line, and none while nobody answers. */
function documents(stream: WatchStream): Display {
  return {
    show: ({ status, silentMs }) => {
      if (silentMs < LOOK_MS) stream.write(`${printableJson(status)}\n`);
    },
    end: () => undefined,
  };
}
