/**
 * A Zstandard stream without the compressing: a frame header once, then every payload as raw blocks (RFC 8878, 3.1.1). Any decompressor
 * reads it. It stands in where Node has no Zstandard of its own (before 22.15).
 */

/** A raw block has at most so many bytes, and never more than the window. */
const maxBlockBytes = 128 * 1024;
const blockHeaderBytes = 3;

/** Magic number; a descriptor that says: no content size, no checksum, no dictionary; a window of 2^17 bytes. */
const frameHeader = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]);

/** Writes payloads of one stream: each call gives the bytes of the next one. The frame is never ended, as Discord's is not. */
export function rawZstdStream(): (payload: Buffer) => Buffer {
  let begun = false;
  return (payload) => {
    const parts: Buffer[] = begun ? [] : [frameHeader];
    begun = true;
    for (let at = 0; at < payload.byteLength; at += maxBlockBytes) {
      const block = payload.subarray(at, at + maxBlockBytes);
      const header = Buffer.alloc(blockHeaderBytes);
      // Bit 0: last block of the frame; bits 1 and 2: raw.
      header.writeUIntLE(block.byteLength << 3, 0, blockHeaderBytes);
      parts.push(header, block);
    }
    return Buffer.concat(parts);
  };
}
