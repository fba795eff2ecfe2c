/** What became of the cells, as lines, as JSON and as the page of the documentation. */
import type { Cell } from './cell.js';
import { cellsOf } from './cells/index.js';
import type { Result } from './course.js';
import type { Framework } from './frameworks.js';

export type Summary = {
  ok: boolean;
  frameworks: Record<string, { passed: number; failed: number }>;
};

export function lineOf({ framework, cell, problem, seconds }: Result): string {
  const head = `${problem === null ? '✔' : '✘'} ${framework.name}: ${cell.name}: ${cell.title} (${seconds.toFixed(1)} s)`;
  return problem === null ? head : `${head}\n${problem.replaceAll(/^/gm, '    ')}`;
}

/** Every framework has to have passed every cell: one that is missing has failed. */
export function summaryOf(
  results: readonly Result[],
  frameworks: readonly Framework[],
  cells: readonly Cell[],
): Summary {
  const summary: Summary = { ok: frameworks.length > 0 && cells.length > 0, frameworks: {} };
  for (const framework of frameworks) {
    const own = cellsOf(framework, cells);
    const passed = own.filter((cell) => outcomeOf(results, framework, cell) === 'passed').length;
    const failed = own.length - passed;
    if (own.length === 0) summary.ok = false;
    summary.frameworks[framework.name] = { passed, failed };
    if (failed > 0) summary.ok = false;
  }
  return summary;
}

/** The page `docs/reference/bots.md`. */
export function pageOf(results: readonly Result[], frameworks: readonly Framework[], cells: readonly Cell[]): string {
  const mark = (framework: Framework, cell: Cell): string =>
    outcomeOf(results, framework, cell) === 'passed' ? '✔' : '✘';
  const everybodys = cells.filter(({ only }) => only === undefined);
  const own = frameworks.flatMap((framework) =>
    cells
      .filter(({ only }) => only === framework.name)
      .map((cell) => [framework.name, cell.title, mark(framework, cell)]),
  );
  const matrix = frameworks.map((framework) => [
    `${framework.name} ${framework.version}`,
    ...everybodys.map((cell) => mark(framework, cell)),
  ]);
  return `# Bots

Bots on ${frameworks.length} frameworks, each installed from its own lock file as its author would and started by \`dso up\` in two processes, against the gateway
emulator. Written by \`npm run bots -- --write\`; do not edit. The bots are in [packages/bots/fixtures](../../packages/bots/fixtures).

${table(['', ...everybodys.map(({ name }) => name)], matrix)}

${everybodys.map(({ name, title }) => `- **${name}**: ${title}.`).join('\n')}

Situations that one framework's bots come into, each with a bot of its own:

${table(['framework', 'what holds', ''], own)}
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function outcomeOf(results: readonly Result[], framework: Framework, cell: Cell): 'passed' | 'failed' | 'missing' {
  const found = results.filter((result) => result.framework.name === framework.name && result.cell.name === cell.name);
  if (found.length === 0) return 'missing';
  return found.every(({ problem }) => problem === null) ? 'passed' : 'failed';
}
