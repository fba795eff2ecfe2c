/**
 * Every `dso` command in the documentation is one that there is, with flags that it has: also where no test runs the
 * command, because it names a node or needs a token of Discord.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { blocksOf, commandsOf } from '@dshard/testkit';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../src/program.js';

const root = resolve(import.meta.dirname, '../../..');
const PAGES = ['README.md', 'docs/*.md', 'packages/*/README.md', 'examples/*/README.md'];
const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...PAGES], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((page) => page !== '');
const program = createProgram();

/** `dso rollout status --json` of a line, which may have variables before it and a pipe behind. */
function dsoCommandsIn(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|&& |\$ |\S=\S+ |npx |orchestrator )dso ([^|&>]+)/g)].map(([, rest = '']) =>
    rest.trim(),
  );
}

/** What is wrong with it; undefined: nothing. */
function faultOf(written: string): string | undefined {
  const words = written.split(/\s+/);
  let command: Command = program;
  for (const word of words) {
    const inner = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (inner === undefined) break;
    command = inner;
  }
  // `dso --help` and the like.
  if (command === program && !words[0]?.startsWith('-')) return `there is no dso ${words[0]}`;
  const known = [...program.options, ...command.options, ...(command.parent?.options ?? [])].flatMap(
    ({ long, short }) => [long, short],
  );
  const flag = words.find((word) => /^--?[a-z]/.test(word) && !['--help', '-h', ...known].includes(word.split('=')[0]));
  return flag === undefined ? undefined : `dso ${command.name()} has no ${flag}`;
}

test.each(pages)('every dso command in the blocks of %s is there, with its flags', (page) => {
  const commands = blocksOf(readFileSync(resolve(root, page), 'utf8'))
    .filter(({ language }) => language === 'sh')
    .flatMap(commandsOf)
    .flatMap(dsoCommandsIn);
  expect(commands.flatMap((command) => faultOf(command) ?? [])).toEqual([]);
});

test('a command that is not there, and a flag that is not there, are found', () => {
  expect(dsoCommandsIn('DISCORD_TOKEN=… npx dso up --bot bot.js')).toEqual(['up --bot bot.js']);
  expect(faultOf('statsu')).toBe('there is no dso statsu');
  expect(faultOf('rollout --slowly')).toBe('dso rollout has no --slowly');
  expect(faultOf('rollout status --json')).toBeUndefined();
});
