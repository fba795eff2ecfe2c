/**
 * Waits for the end of an operation, and shows on a terminal how far it is, in one line on stderr that is rewritten.
 * Elsewhere it is quiet: logs and pipes get the result alone.
 */
import type { OperationStatus } from '@dshard/api';
import { delay, systemClock, type Clock } from '@dshard/transport';
import type { Client } from './client.js';
import { CliError } from './errors.js';

const POLL_MS = 250;
/** An orchestrator that is restarted is back by then, and goes on with its operations. */
const AWAY_MS = 60_000;

export type ProgressOptions = {
  client: Pick<Client, 'ask'>;
  stream?: { isTTY?: boolean; columns?: number; write(text: string): unknown };
  clock?: Clock;
};

export async function endOf(
  id: string,
  { client, stream = process.stderr, clock = systemClock() }: ProgressOptions,
): Promise<OperationStatus> {
  const show = (line: string): void => {
    if (stream.isTTY === true) stream.write(`\r\u001b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
  };
  let heardAt = clock.now();
  try {
    for (;;) {
      const status = await client.ask('operation', { id }).catch((error: unknown) => {
        if (!isAway(error) || clock.now() - heardAt >= AWAY_MS) throw error;
        return null;
      });
      if (status !== null) heardAt = clock.now();
      if (status !== null && status.endedAt !== null) return status;
      show(status === null ? 'The orchestrator does not answer; waiting for it to be back …' : status.text);
      await delay(clock, POLL_MS);
    }
  } finally {
    show('');
  }
}

/** Nobody answers, or who does is starting. */
function isAway(error: unknown): boolean {
  return error instanceof CliError && (error.code === 'DSO_CLI_UNREACHABLE' || error.status === 503);
}
