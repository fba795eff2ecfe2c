/** Makes commands out of the contract (@dshard/api): what is typed, shown and asked, and what Ctrl-C means. */
import { CONTRACT, type Answer, type CommandWords, type EndpointName } from '@dshard/api';
import { Option, type Command } from 'commander';
import { askForAllPages } from './all-pages.js';
import { addYes, confirm, costsOf } from './confirm.js';
import type { ConnectionOptions } from './connection-options.js';
import { interruptible } from './interruptible.js';
import { runCommand, withCommonHelp } from './run-command.js';

/** How an answer that is a document of its own is shown to people. */
export type Presentation<Document> = {
  text(this: void, document: Document): string | Promise<string>;
  /** Whether the exit code is 1 all the same. */
  failed?(this: void, document: Document): boolean;
  /** The field that has the rows of a list, where a list comes page by page: all pages are shown. */
  rows?: string;
};

export type Words = Omit<CommandWords<string>, 'interrupt'>;

/** The command with its words, without its action. */
export function describedCommand(parent: Command, words: Words): Command {
  const command = parent.command(words.name).description(words.help);
  if (words.alias !== undefined) command.alias(words.alias);
  for (const { shown, optional } of words.arguments ?? []) {
    command.argument(optional === true ? `[${shown}]` : `<${shown}>`);
  }
  for (const { flags, help } of words.options ?? []) command.option(flags, help);
  if (words.costs !== undefined) addYes(command);
  if (words.details !== undefined) command.addHelpText('after', `\n${words.details}`);
  return withCommonHelp(command, words.examples);
}

/** Without a presentation the answer is a message. */
export function addEndpointCommand(program: Command, name: EndpointName, presentation?: Presentation<never>): void {
  const words = wordsOf(name);
  const { under, alsoUnder } = words;
  const parents = [under === undefined ? program : commandOf(program, under)];
  if (alsoUnder !== undefined) parents.push(commandOf(program, alsoUnder));
  for (const parent of parents) addCommand(parent, name, words, presentation);
}

function addCommand(
  parent: Command,
  name: EndpointName,
  words: CommandWords<string>,
  presentation: Presentation<never> | undefined,
): void {
  const command = describedCommand(parent, words);
  command.action(() =>
    runCommand(command.optsWithGlobals<ConnectionOptions>(), async (client) => {
      const costs = costsOf(words, command);
      if (costs !== null) await confirm(costs);
      const parameters = parametersOf(words, command);
      const rows = presentation?.rows;
      const asked =
        rows === undefined ? client.ask(name, parameters) : askForAllPages(client, { name, rows }, parameters);
      const document = await (words.interrupt === null ? asked : interruptible(words.interrupt, asked));
      if (presentation?.failed?.(document as never) === true) process.exitCode = 1;
      return { document, text: () => presentation?.text(document as never) ?? messageIn(document as Answer) };
    }),
  );
}

/** Throws where an answer has none. */
function messageIn({ Message }: Partial<Answer>): string {
  if (typeof Message !== 'string') throw new TypeError('The answer has no Message.');
  return Message;
}

/** A command that others are a part of: it stands before them in the contract. */
export function commandOf(program: Command, name: string): Command {
  const command = program.commands.find((each) => each.name() === name);
  if (command === undefined) throw new Error(`There is no command ${name} yet.`);
  return command;
}

export function wordsOf(name: EndpointName): CommandWords<string> {
  const { command } = CONTRACT[name];
  if (command === null) throw new Error(`The contract has no command for ${name}.`);
  return command;
}

/** What was typed, as parameters of the request. */
export function parametersOf(words: Words, command: Command): Readonly<Record<string, string>> {
  const typed = (words.arguments ?? []).map(({ shown, parameter }, index) => {
    // The rest of the words: a list, which an id with a comma in it does not break.
    const rest = command.args.slice(index);
    const value = shown.endsWith('...') && rest.length > 0 ? JSON.stringify(rest) : rest[0];
    return [parameter, value] as const;
  });
  const options = (words.options ?? []).map(({ flags }) => {
    const key = new Option(flags).attributeName();
    return [key, command.getOptionValue(key)] as const;
  });
  return Object.fromEntries(
    [...typed, ...options].flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
}
