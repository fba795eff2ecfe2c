import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runDso } from '../dso.js';

const folder = mkdtempSync(join(tmpdir(), 'dso-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(content: string): string {
  const path = join(folder, `trace-${(files += 1)}.json`);
  writeFileSync(path, content);
  return path;
}

const entry = (id: number, name: string, fields: object): object => ({
  id,
  at: 1_700_000_000_000 + id,
  name,
  level: 'info',
  text: 'Something happened.',
  by: 'automatic',
  fields,
});
const sound = [
  entry(1, 'orchestratorStarted', { epoch: 1 }),
  entry(2, 'shardsAssigned', { node: 'a', shards: [3], epochs: [2] }),
  entry(3, 'shardRunning', { node: 'a', shard: 3, resumed: false }),
];
const broken = [...sound, entry(4, 'shardRunning', { node: 'b', shard: 3, resumed: false })];

describe('dso verify-trace', () => {
  test('says that a history holds, given as an array or line by line', async () => {
    const forms = [JSON.stringify(sound), sound.map((line) => JSON.stringify(line)).join('\n\n')];
    for (const form of forms) {
      const { code, stdout, stderr } = await runDso(['verify-trace', file(form)]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^3 events, 2023-.*; 1 start of an orchestrator\.\n/);
      expect(stdout).toMatch(/All invariants hold\.\n$/);
    }
  });

  test('names what is violated and where, and exits with 1', async () => {
    const path = file(JSON.stringify(broken));
    const { code, stdout } = await runDso(['verify-trace', path]);
    expect(code).toBe(1);
    expect(stdout).toContain('1 violation:\n  invariant 1, event 4, 2023-');
    expect(stdout).toContain('Shard 3 runs on node b, and was last assigned to node a.');
    const json = await runDso(['verify-trace', path, '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, entries: 4, violations: [{ invariant: 1, id: 4 }] });
  });

  test.each([
    ['', /is empty/],
    ['{', /line 1: is no JSON/],
    [`${JSON.stringify(sound[0])}\nnot json`, /line 2: is no JSON/],
    ['[7]', /line 1: entry 0 is no object/],
    [JSON.stringify({ ...sound[0], at: 'noon' }), /line 1: the entry has no at, a time in milliseconds/],
    ['\u0000\u0001\u0002', /line 1: is no JSON/],
  ])('refuses a file of %j with what is wrong', async (content, message) => {
    const { code, stdout, stderr } = await runDso(['verify-trace', file(content)]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toContain('dso events --after 0 --json > trace.json');
  });

  test('refuses a file that is not there, and a folder', async () => {
    const missing = await runDso(['verify-trace', join(folder, 'missing.json')]);
    expect({ code: missing.code, stderr: missing.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such file'),
    });
    expect((await runDso(['verify-trace', folder])).code).toBe(2);
  });
});
