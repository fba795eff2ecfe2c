/**
 * Asks before something that costs state or IDENTIFYs. Where nobody can be asked the answer is no, and scripts say
 * `--yes`.
 */
import { createInterface } from 'node:readline';
import type { CommandWords } from '@dshard/api';
import { printable } from '@dshard/protocol';
import type { Command } from 'commander';
import { CliError } from './errors.js';

type Terminal = {
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream & { isTTY?: boolean };
};

/** @param costs what it costs, as sentences. Throws unless whoever is at the terminal says yes. */
export async function confirm(
  costs: string,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<void> {
  if (input.isTTY !== true || output.isTTY !== true) {
    throw new CliError(
      'DSO_CLI_NOT_CONFIRMED',
      `${printable(costs)} Nothing was begun, because there is no terminal to ask at: say --yes if this is meant.`,
    );
  }
  const answer = await ask(`${printable(costs)}\nGo on? [y/N] `, input, output);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('DSO_CLI_CANCELLED', 'Nothing was begun.');
}

/** The end of the input, and Ctrl-C, are no yes. */
function ask(question: string, input: Terminal['input'], output: Terminal['output']): Promise<string> {
  const reader = createInterface({ input, output });
  return new Promise((resolve) => {
    reader.once('SIGINT', () => reader.close());
    reader.once('close', () => resolve(''));
    reader.question(question, (answer) => {
      resolve(answer);
      reader.close();
    });
  });
}

/** What the command costs as it was typed. null: nothing, or whoever typed it agrees already. */
export function costsOf({ costs }: Pick<CommandWords<string>, 'costs'>, command: Command): string | null {
  if (costs === undefined || command.getOptionValue('yes') === true) return null;
  return costs.when === undefined || command.getOptionValue(costs.when) === true ? costs.what : null;
}

export function addYes(command: Command): void {
  command.option('-y, --yes', 'go on without asking, where something costs state or IDENTIFYs');
}
