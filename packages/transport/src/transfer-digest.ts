/**
 * The digest of a live migration's state: both ends compute it event by event, and the manifest is true when they
 * agree. Chained (see `TransferManifest`), so that what the state carries along is a short string and not a hash
 * object.
 */
import { createHash, hash } from 'node:crypto';

/** Of no event at all. */
export const EMPTY_TRANSFER_DIGEST = '';

const DIGEST_BYTES = 64;
const HEADER_BYTES = 16;
/** Up to this size a copy into one piece costs less than a hash object that takes the pieces one by one. */
const COPIED_BYTES = 16 * 1024;
/** Nothing is kept in here between two calls. */
const scratch = Buffer.alloc(DIGEST_BYTES + HEADER_BYTES + COPIED_BYTES);

/** The digest after one more event, in hex. */
export function digestTransferData(
  before: string,
  event: { readonly index: number; readonly eventId: number; readonly body: Uint8Array },
): string {
  const { index, eventId, body } = event;
  const headerAt = scratch.write(before, 0, 'latin1');
  scratch.writeUInt32BE(Math.floor(index / 2 ** 32), headerAt);
  scratch.writeUInt32BE(index % 2 ** 32, headerAt + 4);
  scratch.writeUInt32BE(eventId, headerAt + 8);
  scratch.writeUInt32BE(body.byteLength, headerAt + 12);
  const bodyAt = headerAt + HEADER_BYTES;
  if (body.byteLength > COPIED_BYTES) {
    return createHash('sha256').update(scratch.subarray(0, bodyAt)).update(body).digest('hex');
  }
  scratch.set(body, bodyAt);
  return hash('sha256', scratch.subarray(0, bodyAt + body.byteLength), 'hex');
}
