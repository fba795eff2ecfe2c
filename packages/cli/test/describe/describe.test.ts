import { describe, expect, test } from 'vitest';
import { fakeFleet } from '../fake-fleet.js';

describe('dso describe', () => {
  test('begins with the trouble of a shard and what to do, and ends with its history', async () => {
    const { dso, orchestrator } = await fakeFleet();
    orchestrator.happen('Shard 3 stopped.', { fields: { shard: 3, node: 'web-2' } });
    orchestrator.happen('Shards 1 and 3 wait.', { at: 3_500, fields: { shards: [1, 3] } });
    orchestrator.happen('Shard 2 is another one.', { fields: { shard: 2 } });
    const { code, stdout } = await dso('describe', 'shard', '3');
    expect(code).toBe(0);
    const headings = stdout.split('\n').filter((line) => /^[A-Z]/.test(line));
    expect(headings).toEqual(['Shard 3 is vacant.', 'Trouble', 'What to do', 'What is known', 'History']);
    expect(stdout).toContain('dso startnode');
    expect(stdout).toMatch(/Shard 3 stopped\.\n.*\+2s {2}Shards 1 and 3 wait\.$/m);
    expect(stdout).not.toContain('another one');
  });

  test('tells of a node its shards, its version and what lets it have new shards again', async () => {
    const { dso } = await fakeFleet();
    const { stdout } = await dso('describe', 'node', 'web-2');
    expect(stdout).toMatch(/^Node web-2 is cordoned, with 1 shard/);
    expect(stdout).toContain('dso uncordon web-2');
    expect(stdout).toMatch(/version +v2/);
    const { node, history } = JSON.parse((await dso('describe', 'node', 'web-2', '--json')).stdout);
    expect([node.id, history]).toEqual(['web-2', []]);
  });

  test('tells of an operation how it ended, with what is wrong first', async () => {
    const { dso, orchestrator } = await fakeFleet();
    const over = { id: 'r12', kind: 'rollout', outcome: 'failed', by: 'ann', startedAt: 0, endedAt: 9 } as const;
    orchestrator.state = { ...orchestrator.state, endedOperations: [{ ...over, text: 'The new version died.' }] };
    const { stdout } = await dso('describe', 'operation', 'r12');
    expect(stdout).toMatch(/^rollout r12: failed\. The new version died\.\n\nTrouble\n {2}The new version died\./);
    expect(stdout).toMatch(/asked for by +ann/);
  });

  test('finds a migration that has ended in the history', async () => {
    const { dso, orchestrator } = await fakeFleet();
    orchestrator.happen('Shard 1 moves.', { fields: { migration: 'm7', shard: 1 } });
    orchestrator.happen('Shard 1 has moved.', { fields: { migration: 'm7', shard: 1 } });
    expect((await dso('describe', 'migration', 'm7')).stdout).toMatch(/^Migration m7 has ended\. Shard 1 has moved\./);
    const { code, stderr } = await dso('describe', 'migration', 'm8');
    expect([code, stderr]).toEqual([1, expect.stringContaining('No migration "m8"')]);
  });

  test.each([
    [['shard', '99'], 1, /no shard 99/],
    [['shard', 'web-1'], 2, /is no shard: write its number/],
    [['node', 'web-9'], 1, /no node "web-9"/],
  ])('says of %j that there is no such thing', async (words, exitCode, message) => {
    const { dso } = await fakeFleet();
    const { code, stderr } = await dso('describe', ...words);
    expect([code, stderr]).toEqual([exitCode, expect.stringMatching(message)]);
  });
});
