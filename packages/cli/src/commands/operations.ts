/** `dso operations`: what is under way and how far it is, and how the last ones ended. */
import type { OperationStatus } from '@dshard/orchestrator';
import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { printable } from '../printable.js';
import { runCommand, withCommonHelp } from '../run-command.js';

export function addOperations(program: Command): void {
  const command = program
    .command('operations')
    .description('show drains and rollouts: how far they are, and how the last ones ended');
  withCommonHelp(command, ['dso operations', "dso operations --json | jq '.[] | select(.endedAt == null)'"]).action(
    (options: ConnectionOptions) =>
      runCommand(options, async (client) => {
        const operations = await client.operations();
        const text = operations.length === 0 ? 'There is none.' : operations.map(lineOf).join('\n');
        return { document: operations, text };
      }),
  );
}

function lineOf({ id, kind, state, text, by, startedAt }: OperationStatus): string {
  const head = `${id.padEnd(6)} ${kind.padEnd(9)} ${state.padEnd(10)}`;
  return `${head} ${printable(text)} (${printable(by)}, ${new Date(startedAt).toISOString()})`;
}
