/** WebSocket frames by hand, so that they can be wrong in every way. */
import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { parseAddress } from '@dshard/transport';

/** A connection that the server has upgraded; null: the server did not. */
export async function upgraded(address: string, path: string): Promise<Socket | null> {
  const socket = createConnection(parseAddress(address)).on('error', () => undefined);
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      `host: ${address}`,
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n'),
  );
  const answer = await Promise.race([
    once(socket, 'data').then(([chunk]) => String(chunk)),
    once(socket, 'close').then(() => ''),
  ]);
  if (answer.startsWith('HTTP/1.1 101')) return socket.resume();
  socket.destroy();
  return null;
}

/** A client's frame: masked, with a mask that changes nothing. */
export function textFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const length = body.length;
  const head = length < 126 ? [0x81, 0x80 | length] : length < 65_536 ? [0x81, 0xfe] : [0x81, 0xff];
  const more = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (more.length === 2) more.writeUInt16BE(length);
  else if (more.length === 8) more.writeBigUInt64BE(BigInt(length));
  return Buffer.concat([Buffer.from(head), more, Buffer.alloc(4), body]);
}
