/** Makes commands out of the contract (@dshard/api): what is typed, what help says, what is asked, and what Ctrl-C means meanwhile. */
import { CONTRACT, type Answer, type CommandWords, type EndpointName, type Interrupt } from '@dshard/api';
import { Option, type Command } from 'commander';
import type { Client } from './client.js';
import type { ConnectionOptions } from './connection-options.js';
import { interruptible } from './interruptible.js';
import { describeDrain, describeRollout, withProgress } from './progress.js';
import { runCommand, withCommonHelp } from './run-command.js';

/** How an answer that is a document of its own is shown to people. */
export type Presentation<Document> = {
  text(this: void, document: Document): string | Promise<string>;
  /** Whether the exit code is 1 all the same. */
  failed?(this: void, document: Document): boolean;
};

type Parameters = Readonly<Record<string, string>>;

/** The command with its words, without its action. */
export function describedCommand(program: Command, name: EndpointName): Command {
  const words = wordsOf(name);
  const command = program.command(words.name).description(words.help);
  if (words.alias !== undefined) command.alias(words.alias);
  for (const { shown } of words.arguments ?? []) command.argument(`<${shown}>`);
  for (const { flags, help } of words.options ?? []) command.option(flags, help);
  if (words.details !== undefined) command.addHelpText('after', `\n${words.details}`);
  return withCommonHelp(command, words.examples);
}

/** Without a presentation the answer is a message. */
export function addEndpointCommand(program: Command, name: EndpointName, presentation?: Presentation<never>): void {
  const command = describedCommand(program, name);
  command.action(() =>
    runCommand(command.opts<ConnectionOptions>(), async (client) => {
      const parameters = parametersOf(wordsOf(name), command);
      const { interrupt } = wordsOf(name);
      const document = await whileWaiting(client, interrupt, parameters, client.ask(name, parameters));
      if (presentation?.failed?.(document as never) === true) process.exitCode = 1;
      return { document, text: () => presentation?.text(document as never) ?? (document as Answer).Message };
    }),
  );
}

function wordsOf(name: EndpointName): CommandWords<string> {
  const { command } = CONTRACT[name];
  if (command === null) throw new Error(`The contract has no command for ${name}.`);
  return command;
}

/** What was typed, as parameters of the request. */
function parametersOf(words: CommandWords<string>, command: Command): Parameters {
  const typed = (words.arguments ?? []).map(({ parameter }, index) => [parameter, command.args[index]] as const);
  const options = (words.options ?? []).map(({ flags }) => {
    const key = new Option(flags).attributeName();
    return [key, command.getOptionValue(key)] as const;
  });
  return Object.fromEntries(
    [...typed, ...options].flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
}

function whileWaiting<T>(client: Client, interrupt: Interrupt, parameters: Parameters, asked: Promise<T>): Promise<T> {
  if (interrupt === null) return asked;
  if (typeof interrupt === 'string') return interruptible(client, { goesOn: interrupt }, asked);
  const { operation: kind, origin: parameter } = interrupt;
  const origin = parameter === undefined ? undefined : parameters[parameter];
  const shown = withProgress(
    {
      client,
      describe: (status) => (origin === undefined ? describeRollout(status) : describeDrain(status, origin)),
    },
    asked,
  );
  return interruptible(client, { kind, ...(origin !== undefined && { origin }) }, shown);
}
