/** `npm run bench -- NAME`: one of the benchmarks, or all of them one after the other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@dshard/transport';
import { BENCHMARKS, type Benchmark } from './benchmarks.js';
import { lineOf, machine, type Outcome, type Target } from './outcome.js';

/** `failed`: the program ended with an error, or said nothing; that is no matter of how fast it was. */
type Ran = { name: string; seconds: number; failed: boolean; targets: readonly Target[] };

const entries = Object.entries(BENCHMARKS);
const USAGE = `npm run bench -- NAME [options]

Measures, each figure beside its floor in the same run. What is measured goes to stderr, line by line.

${entries.map(([name, { about }]) => `  ${name.padEnd(14)}${about}`).join('\n')}
  ${'all'.padEnd(14)}all of them, one after the other

  --quick        short: shows that the benchmark works, and is no figure to quote
  --json         the last line is the outcome: {"name", "targets": [{"what", "value", "target", "ok"}]}
  --help         after a name: the options of that benchmark

Examples:
  npm run bench -- relay --json
  npm run bench -- all --quick --json

Exit code 1: a benchmark did not work, or something was lost. A target that is missed is said, and is no error.
`;

const [name, ...options] = process.argv.slice(2);
const benchmark = BENCHMARKS[name ?? ''];
if (name === 'all') await runAll(options);
else if (benchmark !== undefined && name !== undefined) await runOne(name, benchmark, options);
else {
  const isHelp = name === '--help' || name === '-h';
  (isHelp ? process.stdout : process.stderr).write(
    isHelp || name === undefined ? USAGE : `There is no benchmark "${name}".\n\n${USAGE}`,
  );
  process.exitCode = isHelp ? 0 : 2;
}

async function runOne(name: string, benchmark: Benchmark, options: readonly string[]): Promise<void> {
  const child = start(name, benchmark, options, 'inherit');
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}

async function runAll(options: readonly string[]): Promise<void> {
  const unknown = options.find((option) => option !== '--quick' && option !== '--json');
  if (unknown !== undefined) {
    process.stderr.write(`"all" takes --quick and --json, and not ${unknown}.\n`);
    process.exitCode = 2;
    return;
  }
  console.error(machine());
  const ran: Ran[] = [];
  for (const [name, benchmark] of entries) ran.push(await measured(name, benchmark, options.includes('--quick')));
  for (const { name, seconds, failed, targets } of ran) {
    console.log(`${name} (${seconds} s)${failed ? ': did not work' : ''}`);
    for (const target of targets) console.log(lineOf(target));
  }
  const ok = ran.every(({ failed }) => !failed);
  const targets = ran.flatMap((each) =>
    each.targets.map((target) => ({ ...target, what: `${each.name}: ${target.what}` })),
  );
  if (options.includes('--json')) {
    const seconds = ran.map((each) => [each.name, each.seconds]);
    console.log(JSON.stringify({ name: 'all', ok, machine: machine(), seconds: Object.fromEntries(seconds), targets }));
  }
  process.exitCode = ok ? 0 : 1;
}

async function measured(name: string, benchmark: Benchmark, quick: boolean): Promise<Ran> {
  console.error(`\n== ${name}: ${benchmark.about}`);
  const clock = systemClock();
  const startedAt = clock.monotonicMs();
  const child = start(name, benchmark, quick ? ['--quick', '--json'] : ['--json'], 'pipe');
  if (child.stdout === null) throw new Error('A child without its output.');
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  const outcome = outcomeIn(said);
  const seconds = Math.round((clock.monotonicMs() - startedAt) / 1_000);
  return { name, seconds, failed: code !== 0 || outcome === null, targets: outcome?.targets ?? [] };
}

function start(name: string, { quick, node = [] }: Benchmark, options: readonly string[], stdout: 'inherit' | 'pipe') {
  const program = fileURLToPath(new URL(`./${name}/main.js`, import.meta.url));
  const own = options.flatMap((option) => (option === '--quick' ? quick : [option]));
  return spawn(process.execPath, [...node, program, ...own], { stdio: ['ignore', stdout, 'inherit'] });
}

function outcomeIn(said: string): Outcome | null {
  const line = said.trim().split('\n').at(-1) ?? '';
  return line.startsWith('{') ? (JSON.parse(line) as Outcome) : null;
}
