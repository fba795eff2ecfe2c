/**
 * Splits a command line into words the way a POSIX shell does, without a shell: nothing is expanded, substituted or
 * redirected, so a configured command can do nothing but start one program.
 *
 * Rules: blanks separate words; `'…'` is taken as it is; in `"…"` a backslash escapes `"` and `\`; outside quotes a
 * backslash takes the next character as it is.
 */
import { OrchestratorError } from '../../errors.js';

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

type Quote = "'" | '"';

const isBlank = (char: string): boolean => char === ' ' || char === '\t' || char === '\n' || char === '\r';

/** Throws `DSO_COMMAND_INVALID` when a quote stays open or nothing is left to run. */
export function splitCommandLine(line: string): Command {
  const words: string[] = [];
  let word: string | null = null;
  let quote: Quote | null = null;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (quote !== null) {
      if (char === quote) quote = null;
      else if (char === '\\' && quote === '"' && /["\\]/.test(line.charAt(at + 1))) word += line.charAt(++at);
      else word += char;
    } else if (isBlank(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (char === '\\' && at + 1 < line.length) {
      word = (word ?? '') + line.charAt(++at);
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== null) {
    throw new OrchestratorError('DSO_COMMAND_INVALID', `The command line has an open ${quote} quote: ${line}`);
  }
  if (word !== null) words.push(word);
  return asCommand(words, line);
}

/** A command as it may be configured: a line to split, or the words themselves. */
export function toCommand(command: string | readonly string[]): Command {
  return typeof command === 'string' ? splitCommandLine(command) : asCommand(command, command.join(' '));
}

function asCommand(words: readonly string[], shown: string): Command {
  const [program, ...args] = words;
  if (program === undefined || program === '') {
    throw new OrchestratorError('DSO_COMMAND_INVALID', `A command names no program: ${JSON.stringify(shown)}.`);
  }
  return [program, ...args];
}
