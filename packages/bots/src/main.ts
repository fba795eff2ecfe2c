/** `npm run bots`. Exit codes: 0 every cell passed, 1 one did not, 2 called wrongly. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import { Command, InvalidArgumentError } from 'commander';
import { format } from 'prettier';
import type { Cell } from './cell.js';
import { cells, cellsOf } from './cells/index.js';
import { runCourse, type Result } from './course.js';
import { install, packOurs } from './fixture.js';
import { frameworkNames, frameworks } from './frameworks.js';
import { lineOf, pageOf, summaryOf } from './report.js';

type Flags = { framework: string[]; cell: string[]; alone?: true; short?: true; json?: true; write?: true };

const page = fileURLToPath(new URL('../../../docs/reference/bots.md', import.meta.url));
const cellNames = cells.map(({ name }) => name);
/** One whose caches move as the library has them, one that is fed with dispatches. */
const shortFrameworks = ['discord.js', '@discordjs/core'];

const oneOf =
  (allowed: readonly string[]) =>
  (value: string, before: string[]): string[] => {
    if (!allowed.includes(value)) throw new InvalidArgumentError(`It must be one of ${allowed.join(', ')}.`);
    return [...before, value];
  };

const examples = `
Cells:
${cells.map(({ name, title }) => `  ${name.padEnd(22)} ${title}`).join('\n')}

Examples:
  $ npm run bots                                     every framework, every cell
  $ npm run bots -- --short --json                   as CI does
  $ npm run bots -- --framework eris --cell rollout
  $ npm run bots -- --framework discord.js --alone   each cell with a fleet of its own: slower, and one fails alone
  $ npm run bots -- --write                          and the page docs/reference/bots.md`;

const program = new Command('bots')
  .description('Runs bots on unmodified frameworks under dso, against the gateway emulator.')
  .option('--framework <name>', `only this one, repeatable: ${frameworkNames.join(', ')}`, oneOf(frameworkNames), [])
  .option('--cell <name>', 'only this one, repeatable; the list is below', oneOf(cellNames), [])
  .option('--alone', 'each cell with a fleet of its own; otherwise they share one per framework')
  .option('--short', `only ${shortFrameworks.join(' and ')}, and what every framework has to pass`)
  .option('--json', 'the last line is the outcome as JSON')
  .option('--write', 'write the page (needs every framework and cell)')
  .addHelpText('after', examples)
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
const flags = program.parse().opts<Flags>();

const named = flags.framework.length > 0 ? flags.framework : flags.short === true ? shortFrameworks : frameworkNames;
const chosen = frameworks(named);
const asked = cells.filter(({ name, only }) =>
  flags.cell.length === 0 ? only === undefined || flags.short === undefined : flags.cell.includes(name),
);
if (flags.write === true && (chosen.length < frameworkNames.length || asked.length < cells.length)) {
  console.error('The page says what every framework did in every cell: leave --framework, --cell and --short away.');
  process.exit(2);
}

const clock = systemClock();
const results: Result[] = [];
const onResult = (result: Result): void => {
  results.push(result);
  console.log(lineOf(result));
};
const tarballs = await packOurs();
for (const framework of chosen) {
  console.log(`${framework.name} ${framework.version}`);
  try {
    const installed = await install(framework, tarballs, (step) => console.log(`  ${step}`));
    for (const together of groups(cellsOf(framework, asked), flags.alone === true)) {
      await runCourse({ framework, installed, cells: together, clock, onResult });
    }
  } catch (error) {
    // Its cells are missing now, and count as failed.
    console.log(`✘ ${framework.name}: ${messageOf(error)}`);
  }
}
const summary = summaryOf(results, chosen, asked);
if (flags.write === true) {
  const text = pageOf(results, chosen, asked);
  writeFileSync(page, await format(text, { parser: 'markdown', singleQuote: true, printWidth: 120 }));
  console.log(`Written: ${page}`);
}
console.log(flags.json === true ? JSON.stringify(summary) : words());
process.exitCode = summary.ok ? 0 : 1;

/** Cells that share a fleet. One with a bot of its own has a fleet of its own. */
function groups(of: readonly Cell[], alone: boolean): (readonly Cell[])[] {
  const apart = of.filter(({ bot }) => alone || bot !== undefined);
  const together = of.filter((cell) => !apart.includes(cell));
  return [...(together.length > 0 ? [together] : []), ...apart.map((cell) => [cell])];
}

function words(): string {
  const lines = Object.entries(summary.frameworks).map(
    ([name, { passed, failed }]) => `${name}: ${passed} passed, ${failed} failed`,
  );
  return [...lines, summary.ok ? 'Every cell passed.' : 'Some cells failed.'].join('\n');
}
