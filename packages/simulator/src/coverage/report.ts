/** The line coverage of the pure machines as a figure, and what it leaves out. */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { coverageOf, type FileCoverage, type Origin } from './lines.js';
import { filesOf, MACHINE_NAMES, machineOf, MACHINES, type Machine } from './machines.js';
import type { Profile } from './profile.js';

type Figure = { readonly lines: number; readonly covered: number; readonly percent: number };

export type CoverageReport = Figure & {
  readonly machines: Readonly<Record<Machine, Figure>>;
  /** Only files of which something did not run. */
  readonly uncovered: readonly { file: string; lines: string; functions: readonly string[] }[];
};

/** @param profiles one of each thread. */
export function coverageReport(profiles: readonly Profile[]): CoverageReport {
  const files = MACHINE_NAMES.flatMap((machine) => filesOf(machine)).map((url) => ({
    url,
    ...coverageOfFile(url, profiles),
  }));
  const of = (machine: Machine): Figure => figureOf(files.filter(({ url }) => machineOf(url) === machine));
  return {
    ...figureOf(files),
    machines: { domain: of('domain'), session: of('session'), 'gateway-shard': of('gateway-shard') },
    uncovered: files.flatMap(({ url, uncovered, functions }) =>
      uncovered.length === 0
        ? []
        : [{ file: shortName(url), lines: lineRanges(uncovered), functions: functions.map(({ name }) => name) }],
    ),
  };
}

function coverageOfFile(url: string, profiles: readonly Profile[]): FileCoverage {
  const path = fileURLToPath(url);
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
  const origin: Origin = (line, column) => {
    const entry = map.findEntry(line, column);
    return 'originalLine' in entry ? entry.originalLine : null;
  };
  const own = profiles.flatMap((profile) => profile.filter((script) => script.url === url));
  return coverageOf(
    readFileSync(path, 'utf8'),
    own.map(({ functions }) => functions),
    origin,
  );
}

function figureOf(files: readonly Pick<FileCoverage, 'covered' | 'uncovered'>[]): Figure {
  const covered = files.reduce((sum, file) => sum + file.covered.length, 0);
  const lines = files.reduce((sum, file) => sum + file.uncovered.length, covered);
  return { lines, covered, percent: lines === 0 ? 0 : Math.round((covered / lines) * 1_000) / 10 };
}

/** `domain/fleet/launch.ts` */
function shortName(url: string): string {
  const machine = machineOf(url);
  const name = machine === null ? url : `${machine}/${url.slice(MACHINES[machine].length)}`;
  return name.replace(/\.js$/, '.ts');
}

/** `3-5,9` */
function lineRanges(lines: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const line of lines) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else ranges.push([line, line]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** For people: the figures, then the files that are covered least. */
export function coverageText({ machines, uncovered, ...all }: CoverageReport): string {
  const rows = MACHINE_NAMES.map((name) => `  ${name.padEnd(14)} ${figureText(machines[name])}`);
  const files = uncovered.map(({ file, lines, functions }) => {
    const names = functions.length === 0 ? '' : `; never called: ${functions.join(', ')}`;
    return `  ${file}: lines ${lines}${names}`;
  });
  return [`Line coverage of the pure machines: ${figureText(all)}`, ...rows, 'Not covered:', ...files, ''].join('\n');
}

function figureText({ percent, covered, lines }: Figure): string {
  return `${percent.toFixed(1)} % (${covered} of ${lines} lines)`;
}
