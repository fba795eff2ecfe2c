/**
 * Texts of others (reasons, versions, log lines, answers) are shown on terminals, in logs and on pages. None of them
 * may move a cursor, change what was written before, begin a line of its own, or hide or reverse what stands beside
 * it.
 *
 * A text is made printable where it comes in, and there only. What is behind the door may show each text as it is.
 */

/** What a terminal takes for a command: nothing of it is worth a blank. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const TERMINAL_COMMAND = /(?:\u001b\[|\u009b)[0-?]{0,100}[ -/]{0,10}[@-~]/g;

/** Control characters (C0, DEL, C1), and the two that end lines and paragraphs. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/**
 * Characters without a shape: zero width, direction of writing, tags, byte order marks, fillers. The joiners of some
 * scripts and of emoji are among them: two names that look alike must be alike.
 */
const SHAPELESS = /[\p{Cf}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]/gu;

const HALF_A_CHARACTER = /\p{Cs}/gu;

const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]/u;
const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

/** Most texts are printable as they are, and cost one look. */
const PLAIN = /^[\x20-\x7e]*$/;

export function isPrintable(text: string): boolean {
  return PLAIN.test(text) || !UNPRINTABLE.test(text);
}

/** One line that shows what it says: each control character is a blank, half a character the sign for one. */
export function printable(text: string): string {
  if (isPrintable(text)) return text;
  return text
    .replaceAll(TERMINAL_COMMAND, '')
    .replaceAll(CONTROL, ' ')
    .replaceAll(SHAPELESS, '')
    .replaceAll(HALF_A_CHARACTER, '\ufffd');
}

/** Of a bot, or made by a program: long, and of letters and digits only. Paths and names are not like that. */
const LIKE_A_TOKEN = /[\w-]{20,}\.[\w-]{4,}\.[\w-]{20,}|(?=[A-Za-z+=]*\d)(?=[\d+=]*[A-Za-z])[A-Za-z0-9+=]{32,}/g;

/** Somebody writes a token where a path or a number belongs: a complaint about it does not show the token. */
export function withoutTokens(text: string): string {
  return text.replaceAll(LIKE_A_TOKEN, '(not shown: it may be a token)');
}

/** All texts of a document that somebody else wrote, the names of its fields included. */
export function printableDocument(document: unknown): unknown {
  if (typeof document === 'string') return printable(document);
  if (Array.isArray(document)) return document.map(printableDocument);
  if (typeof document !== 'object' || document === null) return document;
  const entries: [name: string, value: unknown][] = Object.entries(document);
  return Object.fromEntries(entries.map(([name, value]) => [printable(name), printableDocument(value)]));
}

/** JSON that means the same to a program, in characters that a terminal may show. */
export function printableJson(document: unknown): string {
  return JSON.stringify(document).replaceAll(EACH_UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
}

function escaped(codeUnit: number): string {
  return `\\u${codeUnit.toString(16).padStart(4, '0')}`;
}
