import { expect, test } from 'vitest';
import { nearest } from '../src/nearest.js';

const KNOWN = [
  'nodes',
  'totalShards',
  'launcher.bot',
  'launcher.command',
  'http.listen',
  'maxShardsPerNode',
  'migrationsPerNode',
  'discord.token',
  'store.kind',
  'log.level',
  'heartbeat',
];

test.each([
  ['node', 'nodes'],
  ['totalshards', 'totalShards'],
  ['total_shards', 'totalShards'],
  ['shards', null],
  ['bot', 'launcher.bot'],
  ['launcher.bto', 'launcher.bot'],
  ['launcher.commnad', 'launcher.command'],
  ['http.lisen', 'http.listen'],
  ['http.nodes', 'nodes'],
  ['maxShardPerNode', 'maxShardsPerNode'],
  ['migrationPerNode', 'migrationsPerNode'],
  ['discord.tokn', 'discord.token'],
  ['colour', null],
  ['', null],
  ['x'.repeat(10_000), null],
])('%s is nearest to %s', (written, meant) => {
  expect(nearest(written, KNOWN)).toBe(meant);
});
