import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeMessage,
  encodeMessage,
  isPrintable,
  printable,
  printableDocument,
  printableJson,
} from '@dshard/protocol';
import type { Message } from '@dshard/protocol';

/** Any code units: halves of characters, and above all what must not come through. */
const nasty = fc.oneof(
  fc.constantFrom('\u001b', '\u001b[31m', '\u009b2J', '\u0007', '\r', '\n', '\t', '\u0085', '\u2028', '\u2029'),
  fc.constantFrom(
    '\u202e',
    '\u2066',
    '\u200f',
    '\u061c',
    '\u200b',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u{e0041}',
    '\ud800',
  ),
);
const anyText = fc
  .array(
    fc.oneof(
      nasty,
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
    ),
  )
  .map((parts) => parts.join(''));

/** What a terminal obeys, or a reader does not see. */
function harm(text: string): string[] {
  return text.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu) ?? [];
}

describe('a text of a peer', () => {
  test('has nothing left that moves a cursor, ends a line, turns a direction or cannot be seen', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(harm(printable(text))).toEqual([]);
        expect(isPrintable(printable(text))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is changed once: what is printable stays as it is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(printable(text))).toBe(printable(text));
        if (harm(text).length === 0 && isPrintable(text)) expect(printable(text)).toBe(text);
      }),
    );
  });

  test.each([
    ['Node \u001b[31mweb-1\u001b[0m joined', 'Node web-1 joined'],
    ['one\r\ntwo', 'one  two'],
    ['a\u202etxt.exe', 'atxt.exe'],
    ['ad\u200bmin', 'admin'],
    ['\u009b2Jgone', 'gone'],
    ['日本 ôœ 🦀', '日本 ôœ 🦀'],
    ['half \ud83e', 'half \ufffd'],
  ])('%j is shown as %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('is printable in every field of every message for people, whatever its sender wrote', () => {
    fc.assert(
      fc.property(
        anyText.map((text) => text.slice(0, 200)),
        (text) => {
          const messages: Message[] = [
            { kind: 'rejected', code: text, message: text, retryable: false },
            { kind: 'commandFailed', command: text, shardId: 0, message: text },
            { kind: 'transferAbort', migrationId: 'm', shardId: 0, reason: text },
            { kind: 'transferFailed', migrationId: 'm', shardId: 0, step: text, reason: text },
            { kind: 'callAnswer', askId: 'a', answers: [{ shards: [], value: new Uint8Array(), error: text }] },
          ];
          for (const message of messages) {
            const frame = encodeMessage(message);
            expect(harm(JSON.stringify(decodeMessage(frame[0] ?? 0, frame.subarray(8))))).toEqual([]);
          }
        },
      ),
    );
  });
});

describe('a document of a stranger', () => {
  test('has printable texts and names only', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), anyText, (value, text) => {
        expect(harm(JSON.stringify(printableDocument({ [text]: [value, text] })))).toEqual([]);
      }),
    );
  });

  test('is the same to a program when it is written as printable JSON', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const json = printableJson({ [text]: [text] });
        expect(harm(json)).toEqual([]);
        expect(JSON.parse(json)).toEqual({ [text]: [text] });
      }),
    );
  });
});
