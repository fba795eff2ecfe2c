/**
 * What all commands that ask something of an orchestrator have in common: options, help, and how results and failures
 * come out. With `--json` there is exactly one JSON document on stdout, also on failure.
 */
import type { Command } from 'commander';
import { printableJson } from '@dshard/protocol';
import { createClient, notOurs, type Client } from './client.js';
import { addConnectionOptions, resolveTargets, type ConnectionOptions, type Target } from './connection-options.js';
import { CliError } from './errors.js';
import { leaderAmong } from './leader.js';
import { formOf } from './output/form.js';

/** What a command prints: `document` for programs, `text` for people. */
export type Output = { document: unknown; text(this: void): string | Promise<string> };

/** Adds the options every command has, and examples below its help. */
export function withCommonHelp(command: Command, examples: readonly string[], forms?: readonly string[]): Command {
  return addConnectionOptions(command, forms).addHelpText('after', examplesHelp(examples));
}

export function examplesHelp(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`;
}

/** Runs the action of a command and prints what it returns. */
export async function runCommand(
  options: ConnectionOptions,
  action: (client: Client) => Promise<Output>,
): Promise<void> {
  const json = formOf(options) === 'json';
  try {
    const target = await leaderAmong(resolveTargets(options, process.env));
    const text = await outputOf(target, json, action);
    // Nothing is called anything: `-o name` says nothing at all to whoever reads lines.
    process.stdout.write(text === '' ? '' : `${text}\n`);
  } catch (error) {
    if (!json || !(error instanceof CliError)) throw error;
    process.stdout.write(`${printableJson({ Message: error.message, Error: true, Code: error.code })}\n`);
    process.exitCode = error.exitCode;
  }
}

/** An answer that lacks what we show was not made by an orchestrator: that is no defect of ours. */
async function outputOf(target: Target, json: boolean, action: (client: Client) => Promise<Output>): Promise<string> {
  try {
    const { document, text } = await action(createClient(target, { exact: json }));
    return json ? printableJson(document) : await text();
  } catch (error) {
    throw error instanceof TypeError || error instanceof RangeError ? notOurs(target, error) : error;
  }
}
