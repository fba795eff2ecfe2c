import { resolveConfig, type ResolvedConfig } from '@dshard/api/config';
import { expect, test } from 'vitest';
import { reloadOf } from '../../src/config/reload.js';

function configured(settings: Readonly<Record<string, unknown>>): ResolvedConfig {
  const flags = Object.entries({ totalShards: 4, ...settings }).map(([key, written]) => ({
    key,
    written,
    flag: '--set',
  }));
  return resolveConfig({ flags, cwd: import.meta.dirname });
}

test('only what may change changes, and the domain is told the difference alone', () => {
  const { keys, needRestart, settings, config } = reloadOf(
    configured({ migrationsPerNode: 4, bucketSize: 1 }),
    configured({ migrationsPerNode: 6, bucketSize: 16, 'log.level': 'warn', maxUnavailable: '10%' }),
  );
  expect(keys).toEqual(['migrationsPerNode', 'maxUnavailable', 'log.level']);
  expect(needRestart).toEqual(['bucketSize']);
  expect(settings).toEqual({ migrationsPerNode: 6, maxUnavailable: { percent: 10 } });
  expect([config.values.bucketSize, config.values.migrationsPerNode, config.log.level]).toEqual([1, 6, 'warn']);
});

test('a setting that is not written any more is at its default again', () => {
  const { keys, settings } = reloadOf(configured({ migrationsTotal: 3 }), configured({}));
  expect([keys, settings]).toEqual([['migrationsTotal'], { migrationsTotal: 16 }]);
});

test('the same configuration changes nothing', () => {
  expect(reloadOf(configured({ nodes: 0 }), configured({}))).toMatchObject({ keys: [], needRestart: [], settings: {} });
});
