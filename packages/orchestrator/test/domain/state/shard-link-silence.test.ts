import { expect, test } from 'vitest';
import type { ShardReport } from '@dshard/protocol';
import { reportedLink } from '../../../src/domain/state/shard-link.js';

const report: ShardReport = { shardId: 0, phase: 'ready', pingMs: 1, guilds: 1, events: 1, session: null };

test('what a node says of a silent shard is kept until the node says otherwise, and is no change of its own phase', () => {
  const up = reportedLink('a', report, undefined, 5);
  const silent = reportedLink('a', { ...report, silentMs: 600_000 }, up, 9);
  expect(silent).toEqual({ ...up, silentMs: 600_000 });
  expect(reportedLink('a', { ...report, silentMs: 600_000 }, silent, 12)).toBe(silent);
  expect(reportedLink('a', report, silent, 15)).toEqual(up);
});
