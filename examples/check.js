/**
 * Runs every example against the emulator, as CI does: each has to answer over a rollout. Ends with 1 when one does
 * not.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const start = fileURLToPath(new URL('start.js', import.meta.url));
const failed = [];
for (const { name } of readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  if (name === 'node_modules') continue;
  const { status, stdout, stderr } = spawnSync(process.execPath, [start, `${here}${name}`, '--check'], {
    encoding: 'utf8',
    timeout: 180_000,
  });
  const verdict = stdout.split('\n').find((line) => line.startsWith('Before')) ?? `It failed:\n${stderr}`;
  console.log(`${status === 0 ? '✔' : '✘'} ${name}: ${verdict}`);
  if (status !== 0) failed.push(name);
}
process.exitCode = failed.length === 0 ? 0 : 1;
