/**
 * The words of @discordjs/ws that are spelled out so that nothing is loaded for them: the same in both versions that
 * are hosted.
 */
import { createRequire } from 'node:module';
import * as current from '@discordjs/ws';
import { expect, test } from 'vitest';
import {
  WebSocketShardDestroyRecovery,
  WebSocketShardEvents,
  WebSocketShardStatus,
} from '../../src/hosts/ws/library.js';

const inDiscordJs = createRequire(createRequire(import.meta.url).resolve('discord.js'))(
  '@discordjs/ws',
) as typeof current;

test.each([
  ['2.x', current],
  ['the one in discord.js', inDiscordJs],
])('status, recovery and event names of %s', (_, library) => {
  expect(library.WebSocketShardStatus).toMatchObject(WebSocketShardStatus);
  expect(library.WebSocketShardDestroyRecovery).toMatchObject(WebSocketShardDestroyRecovery);
  expect(Object.values(WebSocketShardEvents)).toEqual(
    expect.arrayContaining(Object.values(library.WebSocketShardEvents)),
  );
});
