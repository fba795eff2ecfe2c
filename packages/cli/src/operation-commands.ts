/**
 * The commands that start an operation, and wait for its end as long as somebody waits for it: the operation is the
 * orchestrator's, and goes on without us. So does the waiting when the orchestrator is restarted meanwhile, for
 * operations outlive that. A new kind has all of this for free: `--dry-run`, the question before what costs something,
 * progress, `--detach`, the exit codes, and what Ctrl-C says.
 */
import {
  KINDS_OF_OPERATIONS,
  OPERATION_KINDS,
  shardRanges,
  type DryRun,
  type OperationKind,
  type OperationStatus,
  type StartedOperation,
} from '@dshard/api';
import type { Command } from 'commander';
import type { Client } from './client.js';
import { addYes, confirm, costsOf } from './confirm.js';
import { describeOperations } from './commands/operations.js';
import type { ConnectionOptions } from './connection-options.js';
import { describedCommand, parametersOf, type Words } from './endpoint-command.js';
import { CliError } from './errors.js';
import { interruptible } from './interruptible.js';
import { endOf } from './progress.js';
import { runCommand, withCommonHelp, type Output } from './run-command.js';

type StartWords = Words & { readonly presets?: Readonly<Record<string, string>> };
type StartOptions = ConnectionOptions & { detach?: boolean; dryRun?: boolean; yes?: boolean };

export function addOperationCommands(program: Command): void {
  for (const kind of KINDS_OF_OPERATIONS) {
    for (const words of OPERATION_KINDS[kind].commands) addStart(program, kind, words);
  }
}

function addStart(program: Command, kind: OperationKind, words: StartWords): void {
  const command = describedCommand(program, words);
  command.option('--dry-run', 'show what would be done, and do nothing');
  command.option('--detach', 'do not wait for its end: print its id (see `dso operations`)');
  if (words.costs === undefined) addYes(command);
  command.action(() => {
    const options = command.opts<StartOptions>();
    return runCommand(options, async (client) => {
      const asked = { kind, ...words.presets, ...parametersOf(words, command) };
      if (options.dryRun === true) return planned(await client.ask('startOperation', { ...asked, dryRun: 'true' }));
      if (options.yes !== true) await agree(client, asked, costsOf(words, command));
      const mayHaveBegun = `Whether the ${kind} has begun, dso operations shows.`;
      const started = await interruptible(mayHaveBegun, client.ask('startOperation', asked));
      const { operation, Message } = started;
      if (operation === null) return { document: started, text: () => Message };
      if (options.detach === true) return { document: started, text: () => `${Message} It is operation ${operation}.` };
      return ended(await waitFor(client, operation, kind));
    });
  });
}

/** What the orchestrator says that it costs, or the command itself. */
async function agree(client: Client, asked: Record<string, string>, costs: string | null): Promise<void> {
  const { dryRun } = await client.ask('startOperation', { ...asked, dryRun: 'true' });
  const all = [costs, dryRun?.costs ?? null].filter((each) => each !== null);
  if (all.length > 0) await confirm(all.join(' '));
}

function planned(answer: StartedOperation): Output {
  const { dryRun, Message, operation } = answer;
  if (operation !== null) {
    const what = `This orchestrator knows no --dry-run, and has begun the operation as ${operation}.`;
    throw new CliError('DSO_CLI_REFUSED', `${what} Cancel it: dso cancel ${operation}`);
  }
  return { document: answer, text: () => (dryRun === undefined ? Message : describeDryRun(dryRun)) };
}

function describeDryRun({ lines, costs, shards }: DryRun): string {
  return [
    ...lines,
    ...(shards.length === 0 ? [] : [`Shards: ${shardRanges(shards)}`]),
    ...(costs === null ? [] : [`It costs: ${costs}`]),
    'Nothing was begun (--dry-run).',
  ].join('\n');
}

/** `dso operations watch`. */
export function addWatch(operations: Command): void {
  const command = operations
    .command('watch <operation>')
    .description('show how far an operation is, until it has ended; exits as the command that started it');
  withCommonHelp(command, ['dso operations watch r12']).action((id: string) =>
    runCommand(command.optsWithGlobals<ConnectionOptions>(), async (client) =>
      ended(await waitFor(client, id, 'operation')),
    ),
  );
}

/** `dso rollout status` and `dso rollout history`. */
export function addRolloutViews(rollout: Command): void {
  const view = (name: string, help: string, isShown: (each: OperationStatus) => boolean, none: string): void => {
    const command = rollout.command(name).description(help);
    withCommonHelp(command, [`dso rollout ${name}`]).action(() =>
      runCommand(command.optsWithGlobals<ConnectionOptions>(), async (client) => {
        const operations = await client.ask('operations');
        const shown = operations.filter((each) => each.kind === 'rollout' && isShown(each));
        return { document: shown, text: () => (shown.length === 0 ? none : describeOperations(shown)) };
      }),
    );
  };
  view('status', 'show how far the rollout is', ({ endedAt }) => endedAt === null, 'No rollout is under way.');
  view('history', 'show how the last rollouts ended', ({ endedAt }) => endedAt !== null, 'None has ended lately.');
}

function waitFor(client: Client, id: string, what: string): Promise<OperationStatus> {
  const goesOn = `The ${what} goes on as ${id}. See how far it is: dso operations watch ${id}. Cancel it: dso cancel ${id}`;
  return interruptible(goesOn, endOf(id, { client }));
}

/** What was not done, or was undone again, is no success for whoever waited. */
function ended({ id, state, text }: OperationStatus): Output {
  if (state === 'done') return { document: { Message: text, Error: false, operation: id }, text: () => text };
  throw new CliError(state === 'cancelled' ? 'DSO_CLI_CANCELLED' : 'DSO_CLI_REFUSED', text);
}
