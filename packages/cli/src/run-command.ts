/**
 * What all commands that ask something of an orchestrator have in common: options, help, and how results and failures
 * come out. With `--json` there is exactly one JSON document on stdout, also on failure.
 */
import type { Command } from 'commander';
import { createClient, type Client } from './client.js';
import { addConnectionOptions, resolveTarget, type ConnectionOptions } from './connection-options.js';
import { CliError } from './errors.js';

/** What a command prints: `document` for programs, `text` for people. */
type Output = { document: unknown; text(this: void): string | Promise<string> };

/** Adds the options every command has, and examples below its help. */
export function withCommonHelp(command: Command, examples: readonly string[]): Command {
  return addConnectionOptions(command).addHelpText('after', examplesHelp(examples));
}

export function examplesHelp(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`;
}

/** Runs the action of a command and prints what it returns. */
export async function runCommand(
  options: ConnectionOptions,
  action: (client: Client) => Promise<Output>,
): Promise<void> {
  try {
    const { document, text } = await action(createClient(resolveTarget(options, process.env)));
    process.stdout.write(`${options.json === true ? JSON.stringify(document) : await text()}\n`);
  } catch (error) {
    if (options.json !== true || !(error instanceof CliError)) throw error;
    process.stdout.write(`${JSON.stringify({ Message: error.message, Error: true, Code: error.code })}\n`);
    process.exitCode = error.exitCode;
  }
}
