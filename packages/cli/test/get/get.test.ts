import { RESOURCE_NAMES } from '@dshard/api';
import { describe, expect, test } from 'vitest';
import { fakeFleet } from '../fake-fleet.js';

describe('dso get', () => {
  test('shows nodes in columns under headings, and with -o wide more of them', async () => {
    const { dso } = await fakeFleet();
    const { code, stdout } = await dso('get', 'nodes');
    const [head, first, second] = stdout.split('\n');
    expect([code, head?.split(/ {2,}/)]).toEqual([
      0,
      ['NODE', 'STATE', 'SHARDS', 'NOT UP', 'MEMORY', 'AGE', 'VERSION'],
    ]);
    expect(first).toMatch(/^web-1 {2}serving +2 +0 /);
    expect(second).toMatch(/^web-2 {2}cordoned +1 .* v2$/);
    expect((await dso('get', 'node', '-o', 'wide')).stdout).toMatch(/HOST +PID[^]*host-1 +4242/);
  });

  test('takes a query of several words, of which one may be behind --query', async () => {
    const { dso } = await fakeFleet();
    expect((await dso('get', 'shards', 'state:up', 'node:web-*', '-o', 'name')).stdout).toBe('0\n1\n2\n');
    expect((await dso('get', 'shards', 'state:up', '--query', '-node:web-1', '-o', 'name')).stdout).toBe('2\n');
    expect((await dso('get', 'nodes', 'node:nobody', '-o', 'name')).stdout).toBe('');
  });

  test('says of a query that cannot be understood what is wrong, and asks nobody', async () => {
    const { dso } = await fakeFleet();
    const { code, stderr } = await dso('get', 'operations', 'stat:running', '--address', '127.0.0.1:1');
    expect([code, stderr]).toEqual([2, 'dso: There is no field "stat" here. Did you mean "state"?\n']);
  });

  test('filters what the orchestrator answers whole, also for programs', async () => {
    const { dso, orchestrator } = await fakeFleet();
    const over = { by: 'ann', startedAt: 0, endedAt: 9, text: 'It is over.' } as const;
    orchestrator.state = {
      ...orchestrator.state,
      endedOperations: [
        { ...over, id: 'r1', kind: 'rollout', outcome: 'failed' },
        { ...over, id: 'd2', kind: 'drain', outcome: 'done' },
      ],
    };
    const { stdout } = await dso('get', 'operations', 'kind:drain', 'state:ended', '--json');
    expect(JSON.parse(stdout).map(({ id }: { id: string }) => id)).toEqual(['d2']);
    expect((await dso('get', 'operations', 'state:failed', '-o', 'name')).stdout).toBe('r1\n');
  });

  test('has every list that there is, for people and for programs, and its help names the fields of a query', async () => {
    const { dso } = await fakeFleet();
    for (const name of RESOURCE_NAMES) {
      const [text, json] = await Promise.all([dso('get', name), dso('get', name, '-o', 'json')]);
      expect([name, text.code, text.stderr, json.code]).toEqual([name, 0, '', 0]);
      expect(() => JSON.parse(json.stdout) as unknown, name).not.toThrow();
    }
    expect((await dso('get', 'shards', '--help')).stdout).toMatch(/A query has these fields[^]*gap /);
  });
});
