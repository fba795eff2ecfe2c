import { expect, test } from 'vitest';
import type { Message } from '@dshard/protocol';
import { digestTransferData, EMPTY_TRANSFER_DIGEST } from '@dshard/transport';
import { StateOut } from '../../src/runtime/park-streams.js';
import type { StateSpool } from '../../src/ports/state-spool.js';

const ABOUT = { migrationId: 'm1', shardId: 3 };

function fileOf(eventId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(eventId, 0);
  header.writeUInt32BE(body.byteLength, 4);
  return Buffer.concat([header, body]);
}

/** A file that is another one each time it is opened. */
function spoolOf(versions: Buffer[]): StateSpool {
  const unused = (): never => {
    throw new Error('not used here');
  };
  return {
    host: 'here',
    files: unused,
    freeBytes: unused,
    create: unused,
    remove: unused,
    open: () => {
      let rest: Buffer | null = versions.shift() ?? null;
      return Promise.resolve({
        read: () => {
          const piece = rest;
          rest = null;
          return Promise.resolve(piece);
        },
        close: () => Promise.resolve(),
      });
    },
  };
}

/**
 * The manifest had the digest of what was read the second time. A file that changed after its digest was found right
 * was given to a node, which found nothing amiss.
 */
test('the manifest of a parked shard is of what was parked, also when the file changes after the first look', async () => {
  const parked = Buffer.from('parked');
  const hash = digestTransferData(EMPTY_TRANSFER_DIGEST, { index: 0, eventId: 5000, body: parked });
  const whole = { events: 1, bytes: parked.byteLength, hash };
  const said: Message[] = [];
  const until = new Map<Message['kind'], () => void>();
  const hear = (kind: Message['kind']): Promise<void> => new Promise((resolve) => until.set(kind, resolve));
  const out = new StateOut({
    spool: spoolOf([fileOf(5000, parked), fileOf(5000, Buffer.from('forged'))]),
    file: 'f1',
    about: ABOUT,
    takeRoom: () => undefined,
    say: (message) => {
      said.push(message);
      until.get(message.kind)?.();
    },
  });

  const ended = hear('transferManifest');
  out.open({ kind: 'transferOpen', role: 'origin', session: null, freezeTimeoutMs: 1_000, ...ABOUT }, whole);
  out.copy(1024);
  out.manifest();
  await ended;
  await out.drop();

  expect(said.find(({ kind }) => kind === 'transferData')).toMatchObject({ body: Buffer.from('forged') });
  expect(said.find(({ kind }) => kind === 'transferManifest')).toMatchObject({ ...whole, session: null });
});
