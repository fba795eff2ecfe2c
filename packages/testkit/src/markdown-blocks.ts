/**
 * The code blocks of a page of documentation, so that tests run what readers copy. What stands behind the language of a
 * block says who runs it: ```` ```sh run=tutorial background until="4 shards: 4 up" ````. Every block of shell commands
 * says `run=NAME`, the name of a test, or `skip=REASON` (packages/packaging/test/docs/shell-blocks.test.ts).
 */

export type MarkdownBlock = {
  readonly language: string;
  /** `true` for one without a value. */
  readonly attributes: Readonly<Record<string, string | true>>;
  readonly code: string;
  /** Of the fence, from 1. */
  readonly line: number;
};

const FENCE = /^```([\w-]+)(.*)\n([^]*?)^```$/gm;
const ATTRIBUTE = /([\w-]+)(?:=(?:"([^"]*)"|'([^']*)'|(\S+)))?/g;

export function blocksOf(markdown: string): readonly MarkdownBlock[] {
  return [...markdown.matchAll(FENCE)].map((match) => {
    const [, language = '', rest = '', code = ''] = match;
    const attributes = [...rest.matchAll(ATTRIBUTE)].map(
      ([, name = '', double, single, plain]): [string, string | true] => [name, double ?? single ?? plain ?? true],
    );
    return {
      language,
      attributes: Object.fromEntries(attributes),
      code,
      line: markdown.slice(0, match.index).split('\n').length,
    };
  });
}

/** The commands of a block, one per line, without comments and empty lines. */
export function commandsOf({ code }: MarkdownBlock): readonly string[] {
  return code
    .split('\n')
    .map((line) => line.replace(/(^|\s)#\s.*$/, '').trim())
    .filter((line) => line !== '');
}
