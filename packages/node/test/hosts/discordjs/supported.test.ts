/**
 * The story: discord.js 14.17 passed at login and died at the first move, 14.9 did not even start ("does not provide an
 * export named …"), and neither said what it lacked. Real versions are tried by `npm run discordjs:versions`; here a
 * real client is robbed.
 */
import { readFileSync } from 'node:fs';
import { Client, WebSocketShard } from 'discord.js';
import { afterEach, describe, expect, test } from 'vitest';
import { checkSupported, SUPPORTED_RANGE } from '../../../src/hosts/discordjs/supported.js';

type Fields = Record<string, unknown>;

const robbed: (() => void)[] = [];

function rob(from: object, name: string): void {
  const had = Object.getOwnPropertyDescriptor(from, name);
  if (had === undefined) throw new Error(`There is no ${name} to be taken away.`);
  robbed.push(() => Object.defineProperty(from, name, had));
  delete (from as Fields)[name];
}

afterEach(() => robbed.splice(0).forEach((giveBack) => giveBack()));

describe('a client that logs in', () => {
  test('may do so with the version that is installed here', () => {
    expect(() => checkSupported(new Client({ intents: [] }))).not.toThrow();
  });

  test.each([['status'], ['_ws'], ['destroyed']])('is refused when its manager has no %s', (name) => {
    const client = new Client({ intents: [] });
    rob(client.ws, name);
    expect(() => checkSupported(client)).toThrow(
      expect.objectContaining({
        code: 'DSO_DISCORDJS_UNSUPPORTED',
        message: expect.stringContaining(`has no client.ws.${name}, which`) as unknown,
      }),
    );
  });

  test('is refused with everything that is missing, and told what to install', () => {
    const client = new Client({ intents: [] });
    rob(WebSocketShard.prototype, 'onReadyPacket');
    rob(client.ws, '_ws');
    expect(() => checkSupported(client)).toThrow(
      /has no client\.ws\._ws, WebSocketShard#onReadyPacket\(\), which .* discord\.js@\^14/,
    );
  });
});

test('the range that the refusal names is the peer range of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  expect(manifest.peerDependencies['discord.js']).toBe(SUPPORTED_RANGE);
});
