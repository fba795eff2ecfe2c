/**
 * The digest of a live migration's state: both ends compute it event by event, and the manifest is true when they
 * agree. Chained (see `TransferManifest`), so that what the state carries along is a short string and not a hash
 * object.
 */
import { createHash } from 'node:crypto';

/** Of no event at all. */
export const EMPTY_TRANSFER_DIGEST = '';

const HEADER_BYTES = 16;

/** The digest after one more event, in hex. */
export function digestTransferData(
  before: string,
  event: { readonly index: number; readonly eventId: number; readonly body: Uint8Array },
): string {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setBigUint64(0, BigInt(event.index));
  header.setUint32(8, event.eventId);
  header.setUint32(12, event.body.byteLength);
  return createHash('sha256').update(before).update(header).update(event.body).digest('hex');
}
