import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineSplitter } from '../../../src/adapters/process-launcher/line-splitter.js';

function linesOf(chunks: readonly Uint8Array[], maxLineLength = 1_000): string[] {
  const lines: string[] = [];
  const splitter = lineSplitter(maxLineLength, (line) => lines.push(line));
  for (const chunk of chunks) splitter.push(chunk);
  splitter.flush();
  return lines;
}

test('however the bytes are cut, the lines come out whole; empty ones and line ends are left out', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'ß', '😀', '\n', '\r\n', ' ') });
  fc.assert(
    fc.property(text, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (written, sizes) => {
      const bytes = new TextEncoder().encode(written);
      const chunks: Uint8Array[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        chunks.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(linesOf(chunks)).toEqual(written.split(/\r?\n/).filter((line) => line !== ''));
    }),
  );
});

test('a line without end comes in pieces of the bound, however it arrives', () => {
  const long = new TextEncoder().encode(`${'x'.repeat(25)}\n${'y'.repeat(12)}`);
  const pieces = ['x'.repeat(10), 'x'.repeat(10), 'x'.repeat(5), 'y'.repeat(10), 'yy'];
  expect(linesOf([long], 10)).toEqual(pieces);
  expect(
    linesOf(
      [...long].map((byte) => Uint8Array.of(byte)),
      10,
    ),
  ).toEqual(pieces);
});
