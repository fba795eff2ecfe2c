/** `-o json|wide|name`: in which form a command prints what it found. `--json` is `-o json`. */
import { Option, type Command } from 'commander';

export const LIST_FORMS = ['json', 'wide', 'name'] as const;
export type Form = (typeof LIST_FORMS)[number] | 'text';
export type FormOptions = { json?: boolean; output?: Exclude<Form, 'text'> };

export function addForm(command: Command, forms: readonly string[] = ['json']): Command {
  const how = forms.length > 1 ? 'json; wide: every column; name: only what each is called' : 'json';
  return command
    .addOption(new Option('-o, --output <form>', `print in this form: ${how}`).choices(forms))
    .option('--json', 'print one JSON document for programs (the same as -o json)');
}

export function formOf({ json, output }: FormOptions): Form {
  return json === true ? 'json' : (output ?? 'text');
}

/** Whether a program reads what is printed, before the options were read. */
export function wantsJson(words: readonly string[]): boolean {
  return words.some(
    (word, at) =>
      word === '--json' ||
      word === '-ojson' ||
      word === '--output=json' ||
      (/^(-o|--output)$/.test(word) && words[at + 1] === 'json'),
  );
}
