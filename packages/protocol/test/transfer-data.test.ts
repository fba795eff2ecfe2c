import { encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessage, EVENT_IDS, ProtocolError, type TransferData } from '@dshard/protocol';
import { MESSAGE_TABLE } from '../src/message-table.js';
import { readFields, writeFields, type Fields, type WireMap } from '../src/fields.js';
import { readMessagePack } from '../src/msgpack-read.js';
import { writeMessagePack } from '../src/msgpack-write.js';
import { readTransferData, writeTransferData } from '../src/transfer-data.js';
import { messageOf } from './arbitrary-messages.js';

const FIELDS = MESSAGE_TABLE.transferData as Fields<Omit<TransferData, 'kind'>>;
const usual: TransferData = {
  kind: 'transferData',
  migrationId: 'm1',
  shardId: 3,
  index: 300,
  eventId: 101,
  body: new Uint8Array([1, 2, 3]),
};

function writtenByTheTable(message: TransferData): Uint8Array {
  const map: WireMap = {};
  writeFields(FIELDS, message, map, 'transferData');
  return writeMessagePack(map);
}

function readByTheTable(body: Uint8Array): TransferData | string {
  try {
    return { kind: 'transferData', ...readFields(FIELDS, readMessagePack(body, 'x') as WireMap, 'transferData') };
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

test('state is written as the table writes it, byte for byte, or left to the table', () => {
  const lengths = fc.constantFrom(0, 1, 255, 256, 65_535, 65_536).map((length) => new Uint8Array(length));
  const any = messageOf('transferData') as fc.Arbitrary<TransferData>;
  fc.assert(
    fc.property(
      fc.oneof(
        any,
        lengths.map((body) => ({ ...usual, body })),
      ),
      (message) => {
        const written = writeTransferData(message, 0);
        if (written !== null) expect(Buffer.compare(written, writtenByTheTable(message))).toBe(0);
      },
    ),
  );
  expect(writeTransferData(usual, 0)).not.toBeNull();
});

test('state that was written so is read on the short way', () => {
  expect(readTransferData(writtenByTheTable(usual))).toEqual(usual);
});

test('whatever else comes, the short way reads what the table reads, or leaves it to the table', () => {
  const damaged = fc
    .tuple(messageOf('transferData') as fc.Arbitrary<TransferData>, fc.nat(), fc.nat(255), fc.nat(3))
    .map(([message, at, byte, cut]) => {
      const body = Uint8Array.from(writtenByTheTable(message));
      if (body.length > 0) body[at % Math.min(body.length, 80)] = byte;
      return body.subarray(0, body.length - cut);
    });
  fc.assert(
    fc.property(damaged, (body) => {
      const read = readTransferData(body);
      if (read !== null) expect(read).toEqual(readByTheTable(body));
    }),
    { numRuns: 2_000 },
  );
});

test('a peer that writes the fields in another order is understood', () => {
  const { kind: _, ...fields } = usual;
  const { migrationId, shardId, index, eventId, body } = fields;
  const map = { Body: body, EventID: eventId, Index: index, ShardID: shardId, MigrationID: migrationId };
  expect(decodeMessage(EVENT_IDS.transferData, encode(map))).toEqual(usual);
});
