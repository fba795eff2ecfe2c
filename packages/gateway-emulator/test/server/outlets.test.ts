import type { AddressInfo } from 'node:net';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { rawZstdStream, textFrame } from '../../src/server/outlets.js';
import { decoderFor } from './decoders.js';

leakGuard({ beforeEach, afterEach });

const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];
const texts = lengths.flatMap((length) =>
  ['x', 'ü', '🎉'].map((letter) => letter.repeat(length / Buffer.byteLength(letter))),
);

test('frames of any length are read as they were written', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (_socket, { socket: stream }) => {
    for (const text of texts) stream.write(textFrame(text));
  });
  await until(() => server.address() !== null, { what: 'a port' });
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const read: string[] = [];
  client.on('message', (data: Buffer) => read.push(data.toString('utf8')));
  await until(() => read.length === texts.length, { what: 'every frame' });
  expect(read.every((text, index) => text === texts[index])).toBe(true);
  client.terminate();
  server.close();
});

test('a Zstandard stream without compression is read by a decompressor, whatever the sizes', () => {
  const encode = rawZstdStream();
  const heard: string[] = [];
  const decoder = decoderFor('compress=zstd-stream', (text) => heard.push(text));
  const said = [20, 1, 0, 131_072, 131_073, 400_000, 3].map((size, index) => String(index % 10).repeat(size));
  for (const text of said) decoder.message(encode(Buffer.from(text)), true);
  expect(heard).toEqual(said);
});
