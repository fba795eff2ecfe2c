import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteStore } from '@dshard/orchestrator';
import { expect, onTestFinished, test } from 'vitest';
import { startDso } from '../dso.js';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'dso-cli-store-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('`dso store copy` says what it copied from where to where', async () => {
  const cwd = folder();
  await sqliteStore({ path: join(cwd, 'state.db') }).close();
  const copied = await startDso(['store', 'copy', '--from', 'sqlite:state.db', '--to', 'sqlite:copy.db'], { cwd }).done;
  expect(copied).toMatchObject({ code: 0 });
  expect(copied.stdout).toMatch(
    /^Copied 0 record\(s\) and 0 event\(s\) from sqlite \(.*state\.db\) to sqlite \(.*copy\.db\)\.\n$/,
  );
});

test.each([
  ['file:x', /--from <store>' argument 'file:x' is invalid\. Write sqlite:FILE or postgres:\/\/…/],
  ['postgres:', /DSO_STORE_URL is not set: which database\?/],
])('`dso store copy --from %s` is refused by what is wrong with it', async (from, problem) => {
  const refused = await startDso(['store', 'copy', '--from', from, '--to', 'sqlite:copy.db'], { cwd: folder() }).done;
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(problem) });
});
