/**
 * The commands that start an operation, and wait for its end as long as somebody waits for it: the operation is the
 * orchestrator's, and goes on without us. So does the waiting when the orchestrator is restarted meanwhile, for
 * operations outlive that.
 */
import {
  KINDS_OF_OPERATIONS,
  OPERATION_KINDS,
  type Answer,
  type OperationKind,
  type OperationStatus,
} from '@dshard/api';
import type { Command } from 'commander';
import type { Client } from './client.js';
import type { ConnectionOptions } from './connection-options.js';
import { describedCommand, parametersOf, type Words } from './endpoint-command.js';
import { CliError } from './errors.js';
import { interruptible } from './interruptible.js';
import { endOf } from './progress.js';
import { runCommand, withCommonHelp } from './run-command.js';

type StartWords = Words & { readonly presets?: Readonly<Record<string, string>> };
type StartOptions = ConnectionOptions & { detach?: boolean };

export function addOperationCommands(program: Command): void {
  for (const kind of KINDS_OF_OPERATIONS) {
    for (const words of OPERATION_KINDS[kind].commands) addStart(program, kind, words);
  }
}

function addStart(program: Command, kind: OperationKind, words: StartWords): void {
  const command = describedCommand(program, words);
  command.option('--detach', 'do not wait for its end: print its id (see `dso operations`)');
  command.action(() => {
    const options = command.opts<StartOptions>();
    return runCommand(options, async (client) => {
      const started = await client.ask('startOperation', {
        kind,
        ...words.presets,
        ...parametersOf(words, command),
      });
      const { operation, Message } = started;
      if (operation === null) return { document: started, text: () => Message };
      if (options.detach === true) return { document: started, text: () => `${Message} It is operation ${operation}.` };
      return ended(await waitFor(client, operation, kind));
    });
  });
}

/** `dso operations watch`. */
export function addWatch(operations: Command): void {
  const command = operations
    .command('watch <operation>')
    .description('show how far an operation is, until it has ended; exits with 1 if it failed');
  withCommonHelp(command, ['dso operations watch r12']).action((id: string) =>
    runCommand(command.optsWithGlobals<ConnectionOptions>(), async (client) =>
      ended(await waitFor(client, id, 'operation')),
    ),
  );
}

function waitFor(client: Client, id: string, what: string): Promise<OperationStatus> {
  const goesOn = `The ${what} goes on as ${id}. See how far it is: dso operations watch ${id}. Cancel it: dso cancel ${id}`;
  return interruptible(goesOn, endOf(id, { client }));
}

function ended({ id, state, text }: OperationStatus): { document: Answer; text: () => string } {
  if (state !== 'done') throw new CliError('DSO_CLI_REFUSED', text);
  return { document: { Message: text, Error: false, operation: id } as Answer, text: () => text };
}
