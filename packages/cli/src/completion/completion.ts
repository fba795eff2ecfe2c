/** `dso completion bash|zsh|fish`, and what the scripts ask at each Tab. */
import { printable } from '@dshard/protocol';
import { Argument, type Command } from 'commander';
import { examplesHelp } from '../run-command.js';
import { completionOf } from './candidates.js';
import { namesFor } from './names.js';
import { SCRIPTS, SHELLS, type Shell } from './scripts.js';

const DETAILS = `
Commands, options and the words of queries come from the program itself; the names of nodes and operations from the
orchestrator at DSO_CLI_ADDR, if it answers at once.`;

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print the script that completes dso in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .option('--json', 'the script as a JSON text')
    .addHelpText('after', DETAILS)
    .addHelpText(
      'after',
      examplesHelp([
        'source <(dso completion bash)    # and the same line in ~/.bashrc',
        'source <(dso completion zsh)     # and the same line in ~/.zshrc, after compinit',
        'dso completion fish > ~/.config/fish/completions/dso.fish',
      ]),
    )
    .action((shell: Shell, { json }: { json?: boolean }) => {
      process.stdout.write(json === true ? `${JSON.stringify(SCRIPTS[shell])}\n` : SCRIPTS[shell]);
    });
}

/** A line for each candidate: the word, a tab, and what it is. Ends the program, whoever is still asked. */
export async function complete(program: Command, words: readonly string[]): Promise<never> {
  const { candidates, names } = completionOf(program, words);
  const typed = words.at(-1) ?? '';
  const found =
    names === null ? [] : (await namesFor(names)).filter((name) => name.startsWith(typed) && !/\s/.test(name));
  const lines = [...candidates, ...found.map((value) => ({ value, about: '' }))].map(
    ({ value, about }) => `${printable(value)}\t${printable(about)}\n`,
  );
  await new Promise((resolve) => process.stdout.write(lines.join(''), resolve));
  process.exit(0);
}
