import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runDso } from '../dso.js';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'dso-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

test('dso config shows what was written, where, and no secret', async () => {
  writeFileSync(join(cwd, 'dso.yaml'), 'totalShards: 16\nmaxUnavailable: 10%\ntimeouts:\n  command: 5s\n');
  const environment = { DSO_TOKEN: 'a-long-enough-token', DSO_NODES: '0' };
  const [people, programs] = await Promise.all([
    runDso(['config', '--set', 'bucketSize=2'], { cwd, environment }),
    runDso(['config', '--json', '--all'], { cwd, environment }),
  ]);
  expect(people).toMatchObject({ code: 0, stderr: '' });
  const rows = people.stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(rows).toEqual(
    expect.arrayContaining([
      ['totalShards', '16', 'dso.yaml:1'],
      ['maxUnavailable', '10%', 'dso.yaml:2'],
      ['timeouts.command', '5s', 'dso.yaml:4'],
      ['bucketSize', '2', '--set'],
      ['nodes', '0', 'DSO_NODES'],
      ['token', '(secret)', 'DSO_TOKEN'],
    ]),
  );
  expect(`${people.stdout}${programs.stdout}`).not.toContain('a-long-enough-token');
  expect(people.stdout).not.toContain('heartbeat');
  const { file, settings } = JSON.parse(programs.stdout);
  expect(file).toBe('dso.yaml');
  expect(settings).toContainEqual({ key: 'heartbeat', value: '5s', writtenAt: null });
});

test('dso config says what is wrong with a configuration, all at once', async () => {
  writeFileSync(join(cwd, 'dso.yaml'), 'nodez: 2\nbucketSize: none\n');
  const { code, stdout, stderr } = await runDso(['config'], { cwd });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /dso\.yaml:1: unknown key "nodez"\. Did you mean "nodes"\?\n.*dso\.yaml:2: bucketSize: expected/,
  );
});

test('dso config says so where nothing is written', async () => {
  expect((await runDso(['config'], { cwd })).stdout).toMatch(/^Everything is at its default: dso config --all/);
});
