/** What is said of every kind of message as data. */
import { CAPABILITIES, EVENT_IDS, FIRST_USER_EVENT_ID, isAbout, isFrom, MESSAGE_TRAITS } from '@dshard/protocol';
import type { Message, MessageKind } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';

const ROWS = Object.entries(MESSAGE_TRAITS);
const BASE_LEVEL: readonly MessageKind[] = [
  'identify',
  'identified',
  'shutdown',
  'startShards',
  'stopShard',
  'prepareMigration',
  'startMigration',
  'allUserDataSent',
  'userEvent',
];

describe('the messages', () => {
  test('have an id of their own below those of user events', () => {
    const ids = Object.values(EVENT_IDS);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.max(...ids)).toBeLessThan(FIRST_USER_EVENT_ID);
    expect(Object.keys(EVENT_IDS)).toHaveLength(ROWS.length - 1);
  });

  test('belong to no capability when they are of the base level, and to one otherwise', () => {
    const free = ROWS.filter(([, { capability }]) => capability === null).map(([kind]) => kind);
    expect(free.toSorted()).toEqual([...BASE_LEVEL].toSorted());
    for (const [, { id, capability }] of ROWS) expect(id === null || id <= 23).toBe(capability === null);
  });

  test('use every capability, but for those that only add fields', () => {
    const used = new Set(ROWS.map(([, { capability }]) => capability));
    expect(CAPABILITIES.filter((capability) => !used.has(capability))).toEqual([]);
  });

  test.each<[Message, boolean, boolean, boolean]>([
    [{ kind: 'startMigration', shardId: 1 }, false, true, true],
    [{ kind: 'identifyRequest', shardId: 1 }, true, false, false],
    [{ kind: 'stopShard', shardId: 1, session: null }, true, true, true],
    [{ kind: 'heartbeatAck', sequence: 1 }, false, true, false],
  ])('%o comes from a node: %s, from the orchestrator: %s, and is about a shard: %s', (message, node, orch, shard) => {
    expect(isFrom('node', message)).toBe(node);
    expect(isFrom('orchestrator', message)).toBe(orch);
    expect(isAbout('shard', message)).toBe(shard);
  });
});
