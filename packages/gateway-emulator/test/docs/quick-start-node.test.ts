import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** It imports the package as its users do: built. `npm test` builds first. */
test('the quick start for node:test passes', async () => {
  const file = new URL('quick-start.node-test.js', import.meta.url).pathname;
  const { NODE_OPTIONS: _ofVitest, NODE_TEST_CONTEXT: _alsoNot, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', file], { env });
  expect(stdout).toMatch(/pass 1\b/);
  expect(stdout).toMatch(/fail 0\b/);
});
