/** Lines of the READMEs, as a reader would copy them. */

const BLOCK = /^```(\w+)\n([^]*?)^```$/gm;

/** The first block in one of these languages that has all of these texts. Throws when the README has none. */
export function blockWith(markdown: string, languages: readonly string[], texts: readonly string[]): string {
  for (const [, language = '', code = ''] of markdown.matchAll(BLOCK)) {
    if (languages.includes(language) && texts.every((text) => code.includes(text))) return code;
  }
  throw new Error(`The README has no block (${languages.join(', ')}) with ${texts.join(' and ')}.`);
}

/** What follows `dso up` in the README's line that has this text, as a shell would split it. */
export function dsoUpWith(markdown: string, text: string): readonly string[] {
  const line = [...markdown.matchAll(/npx dso up ([^`\n]+)/g)]
    .map((match) => String(match[1]))
    .find((each) => each.includes(text));
  if (line === undefined) throw new Error(`The README has no line npx dso up … ${text}.`);
  return [...line.trim().matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
