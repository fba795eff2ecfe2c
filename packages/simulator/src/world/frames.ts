/** Writes to the control connection, looked at from outside: they are whole frames, one after the other. */
const HEADER_BYTES = 8;

/**
 * The first half of a write: the first half of its frames, and half of the next one. Counted in frames and not in bytes, since
 * how many bytes a heartbeat has depends on the machine, and a run may not.
 */
export function truncateFrames(bytes: Uint8Array): Uint8Array {
  const starts = startsOf(bytes);
  const half = starts[Math.floor(starts.length / 2)] ?? 0;
  return bytes.subarray(0, half + HEADER_BYTES / 2);
}

/** Whether one of the frames has this event id. */
export function namesEvent(bytes: Uint8Array, eventId: number): boolean {
  const view = viewOf(bytes);
  return startsOf(bytes).some((start) => view.getUint32(start, true) === eventId);
}

function startsOf(bytes: Uint8Array): number[] {
  const view = viewOf(bytes);
  const starts: number[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    starts.push(at);
    at += HEADER_BYTES + view.getUint32(at + 4, true);
  }
  return starts;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
