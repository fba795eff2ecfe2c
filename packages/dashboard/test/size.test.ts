/** What the orchestrator's package ships of the page. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';

const FOLDER = new URL('../../orchestrator/dist/dashboard/', import.meta.url);
const MOST_BYTES = 60_000;

describe('the built page', () => {
  beforeAll(() => {
    if (existsSync(FOLDER)) return;
    execFileSync(process.execPath, [fileURLToPath(new URL('../../../scripts/build-dashboard.js', import.meta.url))]);
  });

  const files = (): { name: string; content: string }[] =>
    readdirSync(FOLDER).map((name) => ({ name, content: readFileSync(new URL(name, FOLDER), 'utf8') }));

  test('is less than 60 kB in all, as it is sent', () => {
    const sizes = files().map(({ content }) => gzipSync(content).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_BYTES);
  });

  test('names no other server, and needs nothing of Node.js', () => {
    for (const { name, content } of files()) {
      const addresses = content.match(/https?:\/\/[\w.-]+/g) ?? [];
      expect([name, addresses.filter((address) => address !== 'http://www.w3.org')]).toEqual([name, []]);
      expect(content).not.toMatch(/from\s*['"`]node:/);
    }
  });
});
