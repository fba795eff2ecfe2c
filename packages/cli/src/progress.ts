/**
 * Waits for the end of an operation, and tells on stderr how far it is: on a terminal in one line that is rewritten,
 * elsewhere in lines for a log, now and then. The result alone goes to stdout.
 */
import { printable } from '@dshard/protocol';
import type { OperationStatus } from '@dshard/api';
import { delay, systemClock, type Clock } from '@dshard/transport';
import type { Client } from './client.js';
import { CliError } from './errors.js';
import { barLine, clipped, plainLine } from './progress-lines.js';

const POLL_MS = 250;
/** An orchestrator that is restarted is back by then, and goes on with its operations. */
const AWAY_MS = 60_000;
/** A log gets a line no sooner than this after the one before. */
const LINE_MS = 5_000;
/** Where nothing changes: whoever reads the log sees that somebody still waits. */
const SIGN_OF_LIFE_MS = 60_000;
const AWAY = 'The orchestrator does not answer; waiting for it to be back …';

export type ProgressOptions = {
  client: Pick<Client, 'ask'>;
  stream?: Stream;
  clock?: Clock;
};

type Stream = { isTTY?: boolean; columns?: number; write(text: string): unknown };

/** null: the orchestrator does not answer. */
type Display = { show(status: OperationStatus | null): void; clear(): void };

export async function endOf(
  id: string,
  { client, stream = process.stderr, clock = systemClock() }: ProgressOptions,
): Promise<OperationStatus> {
  const display = isTerminal(stream) ? lineOnTerminal(stream, clock) : linesForLog(stream, clock);
  let heardAt = clock.now();
  try {
    for (;;) {
      const status = await client.ask('operation', { id }).catch((error: unknown) => {
        if (!isAway(error) || clock.now() - heardAt >= AWAY_MS) throw error;
        return null;
      });
      if (status !== null) heardAt = clock.now();
      if (status !== null && status.endedAt !== null) return status;
      display.show(status);
      await delay(clock, POLL_MS);
    }
  } finally {
    display.clear();
  }
}

/** A dumb one cannot rewrite a line. */
function isTerminal({ isTTY }: Stream): boolean {
  return isTTY === true && process.env['TERM'] !== 'dumb';
}

/** Why it waits is written out once, above the line: the line may have no room for it. */
function lineOnTerminal(stream: Stream, clock: Clock): Display {
  let told: string | null = null;
  let toldAt = -Infinity;
  const rewrite = (line: string): void => void stream.write(`\r\u001b[K${line}`);
  return {
    show(status) {
      const columns = stream.columns ?? 80;
      if (status === null) return rewrite(clipped(AWAY, columns));
      const { waitsFor } = status;
      const line = barLine(status, columns);
      if (waitsFor !== null && waitsFor !== told && line.endsWith('…') && clock.now() - toldAt >= LINE_MS) {
        told = waitsFor;
        toldAt = clock.now();
        rewrite(`It waits: ${printable(waitsFor)}.\n`);
      }
      rewrite(line);
    },
    clear: () => rewrite(''),
  };
}

function linesForLog(stream: Stream, clock: Clock): Display {
  let last = '';
  let writtenAt = -Infinity;
  return {
    show(status) {
      const line = status === null ? AWAY : plainLine(status);
      const sinceMs = clock.now() - writtenAt;
      // What is left is estimated anew each time: that alone is no news.
      const news = status === null ? AWAY : plainLine({ ...status, etaMs: null });
      if (sinceMs < (news === last ? SIGN_OF_LIFE_MS : LINE_MS)) return;
      last = news;
      writtenAt = clock.now();
      stream.write(`${line}\n`);
    },
    clear: () => undefined,
  };
}

/** Nobody answers, or who does is starting. */
function isAway(error: unknown): boolean {
  return error instanceof CliError && (error.code === 'DSO_CLI_UNREACHABLE' || error.status === 503);
}
