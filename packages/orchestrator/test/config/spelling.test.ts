import { expect, test } from 'vitest';
import { CONFIG_KEYS } from '../../src/config/keys.js';
import { nearest } from '../../src/config/spelling.js';

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
  expect(nearest(written, CONFIG_KEYS)).toBe(meant);
});
