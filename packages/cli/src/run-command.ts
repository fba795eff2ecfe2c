/**
 * What all commands that ask something of an orchestrator have in common: options, help, and how results and failures come out.
 * With `--json` there is exactly one JSON document on stdout, also on failure.
 */
import type { Answer } from '@dshard/orchestrator';
import type { Command } from 'commander';
import { createClient, type Client } from './client.js';
import { addConnectionOptions, resolveTarget, type ConnectionOptions } from './connection-options.js';
import { CliError } from './errors.js';
import { interruptible } from './interruptible.js';

/** What a command prints: `document` for programs, `text` for people. */
export type Output = { document: unknown; text: string };

/** Adds the options every command has, and examples below its help. */
export function withCommonHelp(command: Command, examples: readonly string[]): Command {
  return addConnectionOptions(command).addHelpText('after', examplesHelp(examples));
}

export function examplesHelp(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`;
}

/** Runs the action of a command and prints what it returns. */
export async function runCommand<O extends ConnectionOptions>(
  options: O,
  action: (client: Client, options: O) => Promise<Output>,
): Promise<void> {
  try {
    const client = createClient(resolveTarget(options, process.env));
    const { document, text } = await action(client, options);
    process.stdout.write(options.json === true ? `${JSON.stringify(document)}\n` : `${text}\n`);
  } catch (error) {
    if (options.json !== true || !(error instanceof CliError)) throw error;
    process.stdout.write(`${JSON.stringify({ Message: error.message, Error: true, Code: error.code })}\n`);
    process.exitCode = error.exitCode;
  }
}

/** For commands whose whole answer is a message. */
export async function answer(given: Promise<Answer>): Promise<Output> {
  const document = await given;
  return { document, text: document.Message };
}

/** `goesOn`: what to say of it when Ctrl-C ends the waiting. */
type Wish = { path: string; parameters?: Readonly<Record<string, string>>; goesOn: string };

/** For commands that ask one thing of the orchestrator, and wait until it is done. */
export function askAndWait(options: ConnectionOptions, { path, parameters, goesOn }: Wish): Promise<void> {
  return runCommand(options, (client) => answer(interruptible(client, { goesOn }, client.post(path, parameters))));
}
