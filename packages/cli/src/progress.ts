/**
 * Shows on a terminal how far a long operation is, in one line on stderr that is rewritten. Elsewhere it is quiet: logs and pipes
 * get the result alone.
 */
import type { StatusV1 } from '@dshard/api';
import { systemClock, type Clock } from '@dshard/transport';
import type { Client } from './client.js';

const POLL_MS = 500;

export type ProgressOptions = {
  client: Client;
  /** One short line about where things stand; null: nothing to say yet. */
  describe: (status: StatusV1) => string | null;
  stream?: { isTTY?: boolean; columns?: number; write(text: string): unknown };
  clock?: Clock;
};

export async function withProgress<T>(options: ProgressOptions, operation: Promise<T>): Promise<T> {
  const { client, describe, stream = process.stderr, clock = systemClock() } = options;
  if (stream.isTTY !== true) return operation;
  let over = false;
  let asking = false;
  const poll = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    // The operation itself reports what is wrong; a poll that fails is only a line that is not shown.
    const status = await client.ask('status').catch(() => null);
    asking = false;
    const line = status && describe(status);
    if (over || !line) return;
    stream.write(`\r\u001b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
  };
  const cancel = clock.every(POLL_MS, () => void poll());
  try {
    return await operation;
  } finally {
    over = true;
    cancel();
    stream.write('\r\u001b[K');
  }
}

/** How far the move of a node's shards is. */
export function describeDrain(status: StatusV1, origin: string): string | null {
  const drain = status.drains.find((each) => each.origin === origin);
  if (!drain) return null;
  const moving = status.migrations.filter((migration) => migration.origin === origin).length;
  const total = drain.moved.length + drain.waiting.length + drain.failed.length + moving;
  return {
    awaitingDestination: `Waiting for a node to take the shards of ${origin} …`,
    moving: `Moving the shards of ${origin}: ${drain.moved.length} of ${total} moved, ${moving} moving`,
    shuttingDown: `Shutting ${origin} down …`,
  }[drain.phase];
}

export function describeRollout(status: StatusV1): string | null {
  const { rollout } = status;
  if (!rollout) return null;
  const total =
    rollout.done.length + rollout.failed.length + rollout.waiting.length + (rollout.current === null ? 0 : 1);
  const now =
    rollout.current === null ? '' : (describeDrain(status, rollout.current) ?? `Replacing ${rollout.current}`);
  return `${rollout.done.length} of ${total} nodes replaced. ${now}`;
}
