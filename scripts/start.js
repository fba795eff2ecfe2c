/** `npm start`: builds what the demo needs and is not built yet, says so, and starts the demo. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

function build(...flags) {
  const args = [tsc, '-b', 'packages/demo', ...flags];
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
}

if (build('--dry').stdout.includes('would build')) {
  console.log('Building (some seconds, this once) …');
  const { status, stdout, stderr } = build();
  if (status !== 0) {
    console.error(`${stdout}${stderr}The demo cannot be built; see above.`);
    process.exit(1);
  }
}
await import('../packages/demo/dist/main.js');
