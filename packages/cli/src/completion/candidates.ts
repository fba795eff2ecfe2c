/**
 * What may stand where somebody presses Tab, found in the program itself: commands, options, choices, and the fields of
 * queries. Pure; the names of nodes and the like are asked for elsewhere.
 */
import { RESOURCES, type QueryFields, type ResourceName } from '@dshard/api';
import type { Command, Option } from 'commander';

type Candidate = { readonly value: string; readonly about: string };
/** Names that the orchestrator knows. */
export type Names = 'nodes' | 'operations' | 'hosts' | 'tokens';
export type Completion = {
  readonly candidates: readonly Candidate[];
  readonly names: Names | null;
};

const NOTHING: Completion = { candidates: [], names: null };

/** By the name of an argument in help, and by that of an option. */
const NAMES: Readonly<Record<string, Names>> = {
  node: 'nodes',
  from: 'nodes',
  to: 'nodes',
  destination: 'nodes',
  operation: 'operations',
  host: 'hosts',
  token: 'tokens',
};
/** What is shown in `ps`, and what is no name of an API token. */
const UNNAMED: ReadonlySet<string> = new Set(['--token']);

/** @param words what stands behind `dso`; the last one is being typed, and may be ''. */
export function completionOf(program: Command, words: readonly string[]): Completion {
  const typed = words.at(-1) ?? '';
  const { command, position, option } = placeOf(program, words.slice(0, -1));
  const found =
    option !== null ? valueOf(option) : typed.startsWith('-') ? optionsOf(command) : wordsOf(command, position, typed);
  return { ...found, candidates: found.candidates.filter(({ value }) => value.startsWith(typed)) };
}

type Place = { command: Command; position: number; option: Option | null };

/** The command that the words lead to, how many arguments it has, and the option whose value comes next. */
function placeOf(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, position: 0, option: null };
  for (const word of words) {
    const { command, position, option } = place;
    if (option !== null) place = { ...place, option: null };
    else if (word.startsWith('-')) place = { ...place, option: awaiting(command, word) };
    else {
      const next =
        position === 0
          ? command.commands.find((each) => each.name() === word || each.aliases().includes(word))
          : undefined;
      place = next === undefined ? { ...place, position: position + 1 } : { command: next, position: 0, option: null };
    }
  }
  return place;
}

function awaiting(command: Command, word: string): Option | null {
  const option = command.options.find(({ long, short }) => long === word || short === word);
  return option?.required === true ? option : null;
}

function valueOf(option: Option): Completion {
  const choices = option.argChoices ?? [];
  const name = UNNAMED.has(option.long ?? '') ? '' : option.attributeName();
  return { candidates: choices.map((value) => ({ value, about: '' })), names: NAMES[name] ?? null };
}

function optionsOf(command: Command): Completion {
  const options = command.options.filter(({ hidden }) => !hidden);
  const candidates = options.flatMap(({ long, short, description }) => {
    const value = long ?? short;
    return value === undefined ? [] : [{ value, about: description }];
  });
  return { candidates: [...candidates, { value: '--help', about: 'show the help' }], names: null };
}

function wordsOf(command: Command, position: number, typed: string): Completion {
  const commands =
    position > 0 ? [] : command.commands.map((each) => ({ value: each.name(), about: each.description() }));
  const all = command.registeredArguments;
  const last = all.at(-1);
  const argument = all[position] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return { ...NOTHING, candidates: commands };
  if (argument.name() === 'query') return { candidates: [...commands, ...termsOf(command, typed)], names: null };
  const choices = (argument.argChoices ?? []).map((value) => ({ value, about: '' }));
  // `dso describe node <id>`: the command says whose id.
  const name = argument.name() === 'id' ? command.name() : argument.name();
  return { candidates: [...commands, ...choices], names: NAMES[name] ?? null };
}

/** The fields of a list, and behind the colon the words that a field takes. */
function termsOf(command: Command, typed: string): readonly Candidate[] {
  if (!Object.hasOwn(RESOURCES, command.name())) return [];
  const { fields }: { readonly fields: QueryFields<never>['fields'] } = RESOURCES[command.name() as ResourceName].query;
  return Object.entries(fields).flatMap(([name, field]) => {
    const start = `${name}:`;
    if (!typed.startsWith(start)) return [{ value: start, about: field.about }];
    return field.kind === 'word' ? field.words.map((word) => ({ value: `${start}${word}`, about: '' })) : [];
  });
}
