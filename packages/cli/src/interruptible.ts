/**
 * Waiting for an operation that goes on without us. Ctrl-C ends the waiting only, so it says that the operation goes on, and how to cancel
 * it. A second one ends the program at once, as ever.
 */
import type { OperationStatus } from '@dshard/api';
import type { Client } from './client.js';

/** A drain or a rollout, which can be cancelled, or what to say of anything else. */
export type Awaited = (Pick<OperationStatus, 'kind'> & { origin?: string }) | { goesOn: string };

/** What shells say of a program that Ctrl-C ended. */
const INTERRUPTED_EXIT_CODE = 130;

export async function interruptible<T>(client: Client, awaited: Awaited, operation: Promise<T>): Promise<T> {
  const onInterrupt = (): void => void leave(client, awaited);
  process.once('SIGINT', onInterrupt);
  try {
    return await operation;
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

async function leave(client: Client, awaited: Awaited): Promise<void> {
  const words =
    'goesOn' in awaited ? awaited.goesOn : lastWords(await client.ask('operations').catch(() => []), awaited);
  process.stderr.write(`\n${words}\n`, () => process.exit(INTERRUPTED_EXIT_CODE));
}

function lastWords(
  operations: readonly OperationStatus[],
  { kind, origin }: Exclude<Awaited, { goesOn: string }>,
): string {
  const found = operations.find(
    (each) => each.endedAt === null && each.kind === kind && (origin === undefined || each.origin === origin),
  );
  if (found === undefined) return 'What was begun goes on: see `dso operations`; `dso cancel <id>` cancels it.';
  return `The ${kind} goes on as ${found.id}. See how far it is: dso operations. Cancel it: dso cancel ${found.id}`;
}
