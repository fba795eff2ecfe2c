import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { digestTransferData, EMPTY_TRANSFER_DIGEST } from '../src/transfer-digest.js';

const event = { index: 3, eventId: 101, body: new Uint8Array([1, 2, 3]) };

test('the digest is what the protocol says', () => {
  const header = Buffer.alloc(16);
  header.writeBigUInt64BE(3n, 0);
  header.writeUInt32BE(101, 8);
  header.writeUInt32BE(3, 12);
  const expected = createHash('sha256').update('abc').update(header).update(event.body).digest('hex');
  expect(digestTransferData('abc', event)).toBe(expected);
});

test.each([
  ['the event before', 'other', event],
  ['the index', EMPTY_TRANSFER_DIGEST, { ...event, index: 4 }],
  ['the event id', EMPTY_TRANSFER_DIGEST, { ...event, eventId: 102 }],
  ['the length', EMPTY_TRANSFER_DIGEST, { ...event, body: new Uint8Array([1, 2, 3, 0]) }],
  ['the body', EMPTY_TRANSFER_DIGEST, { ...event, body: new Uint8Array([1, 2, 4]) }],
])('the digest depends on %s', (_, before, other) => {
  expect(digestTransferData(before, other)).not.toBe(digestTransferData(EMPTY_TRANSFER_DIGEST, event));
});
