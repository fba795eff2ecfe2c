/** `npm run conformance`. Exit codes: 0 nothing failed for the emulator's sake, 1 something did, 2 called wrongly. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@dshard/transport';
import { Command, InvalidArgumentError } from 'commander';
import { format } from 'prettier';
import { cases } from './cases.js';
import { libraries, libraryNames } from './libraries.js';
import { lineOf, matrixOf, summaryOf } from './report.js';
import { runSuite } from './suite.js';

type Flags = { library: string[]; case: string[]; jobs: number; short?: true; json?: true; write?: true };

const page = fileURLToPath(new URL('../../../docs/reference/conformance.md', import.meta.url));
const caseNames = cases.map(({ name }) => name);

const oneOf =
  (allowed: readonly string[]) =>
  (value: string, before: string[]): string[] => {
    if (!allowed.includes(value)) throw new InvalidArgumentError(`It must be one of ${allowed.join(', ')}.`);
    return [...before, value];
  };

function jobs(value: string): number {
  if (!/^[1-9]\d?$/.test(value)) throw new InvalidArgumentError('It must be an integer from 1 to 99.');
  return Number(value);
}

const examples = `
Examples:
  $ npm run conformance                                   every library, every case
  $ npm run conformance -- --short --json                 as CI does
  $ npm run conformance -- --library eris --case zombie
  $ npm run conformance -- --write                        and the matrix in docs/reference/conformance.md`;

const program = new Command('conformance')
  .description('Runs unmodified Discord libraries against the gateway emulator.')
  .option('--library <name>', `only this one, repeatable: ${libraryNames.join(', ')}`, oneOf(libraryNames), [])
  .option('--case <name>', `only this one, repeatable: ${caseNames.join(', ')}`, oneOf(caseNames), [])
  .option('--short', 'the cases that are quick')
  .option('--jobs <n>', 'libraries at a time', jobs, 3)
  .option('--json', 'the last line is the outcome as JSON')
  .option('--write', 'write the matrix (needs every library and case)')
  .addHelpText('after', examples)
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
const flags = program.parse().opts<Flags>();

const chosen = libraries(flags.library.length === 0 ? libraryNames : flags.library);
const asked = cases.filter(({ name, short }) =>
  flags.case.length === 0 ? short === true || flags.short === undefined : flags.case.includes(name),
);
const everything = chosen.length === libraryNames.length && asked.length === cases.length;
if (flags.write === true && !everything) {
  console.error('The matrix says what every library did in every case: leave --library, --case and --short away.');
  process.exit(2);
}

const results = await runSuite({
  libraries: chosen,
  cases: asked,
  jobs: flags.jobs,
  clock: systemClock(),
  onResult: (result) => console.log(lineOf(result)),
});
const summary = summaryOf(results);
if (flags.write === true && summary.ok) {
  const matrix = matrixOf(results, chosen, asked);
  writeFileSync(page, await format(matrix, { parser: 'markdown', singleQuote: true, printWidth: 120 }));
  console.log(`Written: ${page}`);
}
console.log(flags.json === true ? JSON.stringify(summary) : words());
process.exitCode = summary.ok ? 0 : 1;

function words(): string {
  const lines = Object.entries(summary.libraries).map(
    ([name, { version, passed, libraryFault, failed }]) =>
      `${name} ${version}: ${passed} passed, ${libraryFault} own faults, ${failed} failed`,
  );
  return [...lines, summary.ok ? 'Nothing failed for the emulator’s sake.' : 'Something failed.'].join('\n');
}
