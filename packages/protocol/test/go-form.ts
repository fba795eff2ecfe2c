/**
 * MessagePack as Go peers write it: every integer as int64, nil for null, the shortest head for strings, lists and
 * maps. Written apart from the code under test, so that the two can disagree.
 */
export function goForm(value: unknown): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === 'bigint' || Number.isInteger(value)) {
    const bytes = Buffer.alloc(9, 0xd3);
    bytes.writeBigInt64BE(BigInt(value as number | bigint), 1);
    return bytes;
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, 0xcb);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value, 'utf8');
    const head = text.length < 32 ? [0xa0 | text.length] : [0xd9, text.length];
    return Buffer.concat([Buffer.from(head), text]);
  }
  if (value instanceof Uint8Array) {
    const head = Buffer.alloc(5, 0xc6);
    head.writeUInt32BE(value.length, 1);
    return Buffer.concat([head, value]);
  }
  if (Array.isArray(value)) {
    const head = value.length < 16 ? [0x90 | value.length] : [0xdc, value.length >> 8, value.length & 0xff];
    return Buffer.concat([Buffer.from(head), ...value.map(goForm)]);
  }
  const entries = Object.entries(value as Record<string, unknown>);
  return Buffer.concat([
    Buffer.from([0x80 | entries.length]),
    ...entries.flatMap(([key, inner]) => [goForm(key), goForm(inner)]),
  ]);
}

/** A frame as a Go peer writes it. `body` undefined: an empty one. */
export function goFrame(eventId: number, body: unknown): Buffer {
  const bytes = body === undefined ? Buffer.alloc(0) : goForm(body);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(eventId, 0);
  header.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}
