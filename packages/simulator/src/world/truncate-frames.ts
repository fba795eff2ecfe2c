/**
 * The first half of a write: the first half of its frames, and half of the next one. Counted in frames and not in bytes, since
 * how many bytes a heartbeat has depends on the machine, and a run may not.
 */
const HEADER_BYTES = 8;

export function truncateFrames(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts: number[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    starts.push(at);
    at += HEADER_BYTES + view.getUint32(at + 4, true);
  }
  const half = starts[Math.floor(starts.length / 2)] ?? 0;
  return bytes.subarray(0, half + HEADER_BYTES / 2);
}
