import { describe, expect, test } from 'vitest';
import { fakeFleet, type FakeFleet } from '../fake-fleet.js';

async function eventful(): Promise<FakeFleet> {
  const fleet = await fakeFleet();
  const { orchestrator } = fleet;
  orchestrator.happen('Node web-1 joined.', { fields: { node: 'web-1' } });
  orchestrator.happen('Shard 3 moves.', {
    name: 'migrationStarted',
    at: 2_000,
    fields: { shard: 3, origin: 'web-1', destination: 'web-2', operation: 'd2' },
  });
  orchestrator.happen('Node web-2 is silent.', { at: 3_000, level: 'warn', fields: { node: 'web-2' } });
  orchestrator.happen('A detail.', { at: 3_000, level: 'debug' });
  return fleet;
}

/** The ids of the events that are shown. */
async function ids({ dso }: FakeFleet, ...args: string[]): Promise<number[]> {
  return JSON.parse((await dso('events', '--json', ...args)).stdout).map(({ id }: { id: number }) => id);
}

describe('dso events', () => {
  test.each([
    [['node:web-1'], [1, 2]],
    [
      ['--node', 'web-2'],
      [2, 3],
    ],
    [['shard:0-5'], [2]],
    [['--level', 'trouble'], [3]],
    [['--name', 'migration*', '--operation', 'd2'], [2]],
    [['silent'], []],
    [['*silent*'], [3]],
    [
      ['--query', '-level:debug', 'node:web-2'],
      [2, 3],
    ],
    [['--since', '1h'], []],
  ])('%j shows %j', async (args, expected) => {
    expect(await ids(await eventful(), ...args)).toEqual(expected);
  });

  test('says what is wrong with a filter', async () => {
    const { dso } = await eventful();
    for (const [args, message] of [
      [['--since', 'noon'], /"noon" is no time/],
      [['--shard', 'x'], /no list of shards/],
      [['--level', 'loud'], /is no level/],
      [['--level', 'loud', '--follow'], /is no level/],
    ] as const) {
      const { code, stderr } = await dso('events', ...args);
      expect([args, code, stderr]).toEqual([args, 2, expect.stringMatching(message)]);
    }
  });
});

describe('dso history', () => {
  test('tells the life of a node with the time between its lines', async () => {
    const { dso } = await eventful();
    const { stdout } = await dso('history', 'node', 'web-1');
    expect(stdout).toMatch(/Node web-1 joined\.\n.* \+1s {2}Shard 3 moves\.\n$/);
    expect((await dso('history', 'node', 'web-9')).stdout).toBe('The history has nothing about node web-9.\n');
  });

  test('alone it tells what happened lately, without details', async () => {
    const { stdout } = await (await eventful()).dso('history');
    expect(stdout).toContain('is silent');
    expect(stdout).not.toContain('A detail');
  });
});
