import { describe, expect, test } from 'vitest';
import type { EmulatorOptions } from '../src/options.js';
import { resolveOptions } from '../src/options.js';

describe('options', () => {
  test('have defaults, which are those of Discord', () => {
    expect(resolveOptions({})).toMatchObject({
      port: 0,
      shards: 1,
      guilds: 4,
      rules: {
        heartbeatIntervalMs: 41_250,
        heartbeatTimeoutMs: 61_875,
        maxConcurrency: 1,
        identifyWindowMs: 5_000,
        replayBuffer: 1_000,
      },
    });
  });

  test('follow from each other where one is left out: guilds from shards, the timeout from the interval', () => {
    expect(resolveOptions({ shards: 16, heartbeatIntervalMs: 1_000 })).toMatchObject({
      guilds: 64,
      rules: { heartbeatTimeoutMs: 1_500 },
    });
    expect(resolveOptions({ shards: 16, guilds: 0 }).guilds).toBe(0);
  });

  test('recommend a shard count that large-bot sharding admits', () => {
    expect(resolveOptions({ shards: 20, shardCountMultiple: 16 })).toMatchObject({ shards: 32, guilds: 80 });
    expect(resolveOptions({ shards: 32, shardCountMultiple: 16 }).shards).toBe(32);
    expect(resolveOptions({ shards: 70, guilds: 150_001 }).shards).toBe(80);
  });

  test.each([
    [{ ports: 1 }, 'there is no option "ports"; did you mean "port"?'],
    [{ zzz: 1 }, 'there is no option "zzz"'],
    [{ port: 70_000 }, '"port" is 70000, but must be an integer from 0 to 65535'],
    [{ shards: 1.5 }, '"shards" is 1.5'],
    [{ shards: Number.NaN }, '"shards" is NaN'],
    [{ rate: -1 }, '"rate" is -1'],
    [{ rate: '5' }, '"rate" is 5'],
    [{ token: '' }, '"token" must be'],
    [{ token: 'Bot x' }, '"token" must be'],
    [{ replayBuffer: 'much' }, '"replayBuffer" is much'],
    [{ doubleAttach: 'ignore' }, '"doubleAttach" is ignore'],
    [{ resumeToken: 'none' }, '"resumeToken" is none'],
    [{ tls: 'yes' }, '"tls" is yes, but must be true or false'],
    [{ caFile: 'ca.pem' }, '"caFile" needs "tls"'],
    [{ tls: true, caFile: '' }, '"caFile" must be the path of a file'],
    [
      { resumeAddress: '203.0.113.1' },
      '"resumeAddress" is 203.0.113.1, but must be an address of loopback or of a private',
    ],
    [{ address: '0.0.0.0' }, '"address" is 0.0.0.0, but must be'],
    [{ names: 'mine' }, '"names" is mine, but must be addresses or discord'],
    [{ doubleAttachCloseCode: 1_000 }, '"doubleAttachCloseCode" is 1000'],
  ])('refuse %o and say what is wrong with it', (options, message) => {
    const resolve = (): unknown => resolveOptions(options as unknown as EmulatorOptions);
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(expect.objectContaining({ code: 'DSO_EMULATOR_BAD_OPTION' }));
  });
});
