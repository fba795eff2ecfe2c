import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { CONTRACT, ENDPOINT_NAMES, OPERATION_KINDS } from '@dshard/api';
import { until } from '@dshard/testkit';
import { confirm } from '../src/confirm.js';
import { createProgram } from '../src/program.js';
import { runDso } from './dso.js';

function terminal(isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY });
  let shown = '';
  output.setEncoding('utf8').on('data', (text: string) => (shown += text));
  return { input, output, shown: () => shown };
}

async function answered(answer: string | null): Promise<string> {
  const { input, output, shown } = terminal();
  const outcome = confirm('State is lost.\u001b[2J', { input, output }).then(
    () => 'agreed',
    (error: { code: string }) => error.code,
  );
  await until(() => shown().includes('[y/N]'), { what: 'the question' });
  expect(shown()).toContain('State is lost.');
  if (answer === null) input.end();
  else input.write(answer);
  return outcome;
}

describe('what costs state or IDENTIFYs', () => {
  test.each([
    ['y\n', 'agreed'],
    ['YES\n', 'agreed'],
    ['\n', 'DSO_CLI_CANCELLED'],
    ['n\n', 'DSO_CLI_CANCELLED'],
    ['yellow\n', 'DSO_CLI_CANCELLED'],
    [null, 'DSO_CLI_CANCELLED'],
  ])('is asked about at a terminal; the answer %j means %s', async (answer, outcome) => {
    expect(await answered(answer)).toBe(outcome);
  });

  test('is refused without a terminal, with the way out', async () => {
    const { input, output } = terminal(false);
    await expect(confirm('State is lost.', { input, output })).rejects.toMatchObject({
      code: 'DSO_CLI_NOT_CONFIRMED',
      exitCode: 2,
      message: expect.stringContaining('--yes'),
    });
  });

  test('is refused to scripts before anybody is asked, for every command that the contract says has a cost', async () => {
    const costly = ENDPOINT_NAMES.flatMap((name) => {
      const { command } = CONTRACT[name];
      return command?.costs === undefined || command.costs.when !== undefined ? [] : [command];
    });
    expect(costly.length).toBeGreaterThan(0);
    const results = await Promise.all(
      costly.map((words) =>
        runDso([words.name, ...(words.arguments ?? []).map(() => '1'), '--address', 'localhost:1']),
      ),
    );
    for (const [index, { code, stderr }] of results.entries()) {
      expect([costly[index]?.name, code]).toEqual([costly[index]?.name, 2]);
      expect(stderr).toContain(costly[index]?.costs?.what);
    }
  });
});

test('every command that starts an operation can show its plan, go on without asking, and not wait', () => {
  const names = Object.values(OPERATION_KINDS).flatMap(({ commands }) => commands.map(({ name }) => name));
  const { commands } = createProgram();
  for (const name of names) {
    const flags = commands.find((each) => each.name() === name)?.options.map(({ long }) => long);
    expect([name, flags]).toEqual([name, expect.arrayContaining(['--dry-run', '--yes', '--detach'])]);
  }
});
