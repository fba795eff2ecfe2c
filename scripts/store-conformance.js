/**
 * `npm run store:conformance [-- --json]`: what every store must do, run against each of the stores. The database is a
 * real server, which the tests start by themselves. A test that did not run counts as one that failed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STORES = ['memory', 'sqlite', 'postgres'];

const folder = mkdtempSync(join(tmpdir(), 'dso-conformance-'));
const file = join(folder, 'report.json');
const tests = STORES.map((store) => `packages/orchestrator/test/adapters/${store}`);
const words = ['node_modules/vitest/vitest.mjs', 'run', ...tests, '--reporter=json', `--outputFile=${file}`];
const root = fileURLToPath(new URL('..', import.meta.url));
const { stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
let report;
try {
  report = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  process.stderr.write(stderr);
  throw new Error('The tests did not run.');
} finally {
  rmSync(folder, { recursive: true });
}

const all = report.testResults.flatMap(({ assertionResults }) => assertionResults);
const unfit = all.filter(({ status }) => status !== 'passed').map(({ status, fullName }) => `${status}: ${fullName}`);
const untested = report.testResults.filter(
  ({ status, assertionResults }) => status !== 'passed' && assertionResults.length === 0,
);
unfit.push(...untested.map(({ name, message }) => `did not run: ${name}: ${message}`));

/** How many tests of the suite a store has passed. */
const passed = (store) =>
  all.filter(
    ({ status, ancestorTitles }) =>
      status === 'passed' && ancestorTitles.some((title) => title.startsWith(`${store}: `)),
  ).length;
const most = Math.max(...STORES.map(passed));
const stores = STORES.filter((store) => most > 0 && passed(store) === most);
const ok = unfit.length === 0 && stores.length === STORES.length;

for (const line of unfit) process.stderr.write(`${line}\n`);
for (const store of STORES) process.stderr.write(`${store}: ${passed(store)} of ${most} tests of the suite passed\n`);
const servers = all.some(({ ancestorTitles }) => ancestorTitles.some((title) => title.startsWith('postgres 15: ')));
if (servers) process.stderr.write(`postgres 15 of Debian: ${passed('postgres 15')} of ${most}\n`);
process.stdout.write(
  process.argv.includes('--json') ? `${JSON.stringify({ ok, stores })}\n` : `${ok ? 'ok' : 'failed'}\n`,
);
process.exitCode = ok ? 0 : 1;
