/** The command line, as a user meets it: nothing is started before it is understood. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FAULT_NAMES, HOST_FAULT_NAMES } from '../src/fault-kinds.js';
import { parseOptions, replayCommand } from '../src/options.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const random = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };

test.each([
  ['--minutes', '0', /from 0.1 to 120/],
  ['--minutes', 'three', /from 0.1 to 120/],
  ['--seed', '-1', /whole number/],
  ['--seed', '1.5', /whole number/],
  ['--hosts', '2', /must be 1, or a whole number from 3 to 5/],
  ['--only', 'kill-leader', /no fault "kill-leader"; there are node-kill,/],
  ['--only', 'node-kil', /no fault "node-kil"; there are node-kill,/],
  ['--shards', '2', /from 3 to 64/],
  ['--rate', '0', /from 1 to 2000/],
  ['--nodes', '9', /unknown option '--nodes'/],
])('%s %s is refused', (option, value, sentence) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, option, value], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(sentence);
});

test('the command that replays says the same again', () => {
  const options = parseOptions(['--minutes', '0.5', '--only', 'full-disk,node-kill', '--rate', '50'], random);
  expect(options).toMatchObject({ seed: 1_073_741_823, faults: ['node-kill', 'full-disk'] });
  const [, words] = replayCommand(options).split(' -- ');
  expect(parseOptions(words?.split(' ') ?? [], { ...random, next: () => 0 })).toEqual(options);
  expect(parseOptions([], random).faults).toEqual(FAULT_NAMES);
});

test('several hosts have faults of their own, and the command that replays says so', () => {
  expect(parseOptions(['--hosts', '3'], random)).toMatchObject({ hosts: 3, faults: HOST_FAULT_NAMES });
  const options = parseOptions(['--hosts', '4', '--minutes', '0.5', '--only', 'part-hosts,kill-leader'], random);
  expect(options.faults).toEqual(['kill-leader', 'part-hosts']);
  const [, words] = replayCommand(options).split(' -- ');
  expect(parseOptions(words?.split(' ') ?? [], { ...random, next: () => 0 })).toEqual(options);
});
