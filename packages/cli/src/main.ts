#!/usr/bin/env node
/** The program `dso`: runs the command line and turns failures into one sentence and an exit code. */
import { CommanderError } from 'commander';
import { complete } from './completion/completion.js';
import { COMPLETE } from './completion/scripts.js';
import { commandFirst } from './connection-options.js';
import { CliError } from './errors.js';
import { wantsJson } from './output/form.js';
import { createProgram, USAGE_EXIT_CODE } from './program.js';

// A reader that has seen enough (`dso events | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// Whoever read the messages is gone (a closed terminal, a dead log collector): the work goes on without them.
process.stderr.on('error', () => undefined);

try {
  const [first, ...words] = process.argv.slice(2);
  if (first === COMPLETE) await complete(createProgram(), words);
  await createProgram().parseAsync(commandFirst(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong, unless that was said already, and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Programs get their document whatever happens; commander has said it to people already.
    if (wantsJson(process.argv)) {
      const message = error.message.replace(/^error: /, '');
      process.stdout.write(`${JSON.stringify({ Message: message, Error: true, Code: 'DSO_CLI_USAGE' })}\n`);
    }
    return USAGE_EXIT_CODE;
  }
  const [message, exitCode] = explain(error);
  process.stderr.write(`dso: ${message}\n`);
  return exitCode;
}

/** Errors with a code of ours say all there is to say; any other is a defect, and its stack is what helps. */
function explain(error: unknown): [message: string, exitCode: number] {
  if (error instanceof CliError) return [error.message, error.exitCode];
  if (!(error instanceof Error)) return [String(error), 1];
  const expected = 'code' in error && typeof error.code === 'string' && error.code.startsWith('DSO_');
  return [expected ? error.message : (error.stack ?? error.message), 1];
}
