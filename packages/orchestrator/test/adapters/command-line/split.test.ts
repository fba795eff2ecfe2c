import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitCommandLine, toCommand } from '../../../src/adapters/command-line/split.js';

describe('splitCommandLine', () => {
  test.each<[string, string[]]>([
    ['node bot.js', ['node', 'bot.js']],
    ['  node\t bot.js \n', ['node', 'bot.js']],
    [`node -e 'console.log("a b")'`, ['node', '-e', 'console.log("a b")']],
    ['"/opt/my bot/run" --name="a b"', ['/opt/my bot/run', '--name=a b']],
    [String.raw`a\ b "say \"hi\" \n" '\'`, ['a b', String.raw`say "hi" \n`, '\\']],
    [`run '' ""`, ['run', '', '']],
    ['echo $HOME && rm *', ['echo', '$HOME', '&&', 'rm', '*']],
  ])('splits %s into words as a shell does', (line, words) => {
    expect(splitCommandLine(line)).toEqual(words);
  });

  test('any words, quoted, come back as they were', () => {
    const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(fc.string()), (program, args) => {
        expect(splitCommandLine([program, ...args].map(quote).join(' '))).toEqual([program, ...args]);
      }),
    );
  });

  test.each(['node "bot.js', "node 'bot.js"])('an open quote is named: %s', (line) => {
    expect(() => splitCommandLine(line)).toThrow(expect.objectContaining({ code: 'DSO_COMMAND_INVALID' }));
    expect(() => splitCommandLine(line)).toThrow(line);
  });

  test.each(['', '   ', '""'])('%j names no program', (line) => {
    expect(() => splitCommandLine(line)).toThrow('names no program');
  });

  test('a list of words is taken as it is', () => {
    expect(toCommand(['node', 'a b', '"c"'])).toEqual(['node', 'a b', '"c"']);
    expect(() => toCommand([])).toThrow('names no program');
  });
});
