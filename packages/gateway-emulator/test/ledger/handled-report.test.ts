import { describe, expect, test } from 'vitest';
import { parseHandledReport } from '../../src/ledger/handled-report.js';

const event = { shard: 0, s: 2, id: '1', t: 'MESSAGE_CREATE', at: 1.5 };
const batch = { node: 'a', events: [event, { ...event, sessionId: 'x', redelivered: true }] };

describe('a report', () => {
  test.each([
    ['one batch', JSON.stringify(batch), 1],
    ['one batch over several lines', JSON.stringify(batch, null, 2), 1],
    ['an array of batches', JSON.stringify([batch, batch]), 2],
    ['nothing', '', 0],
    ['a batch per line', `${JSON.stringify(batch)}\n\n${JSON.stringify(batch)}\n`, 2],
  ])('may be %s', (_what, text, count) => {
    expect(parseHandledReport(text)).toEqual(Array.from({ length: count }, () => batch));
  });

  test.each([
    ['a number', '3'],
    ['no node', JSON.stringify({ events: [] })],
    ['no events', JSON.stringify({ node: 'a' })],
    ['a line that is not JSON', `${JSON.stringify(batch)}\nnonsense`],
    ['a shard in words', JSON.stringify({ node: 'a', events: [{ ...event, shard: '0' }] })],
    ['a negative sequence', JSON.stringify({ node: 'a', events: [{ ...event, s: -1 }] })],
    ['an id that is a number', JSON.stringify({ node: 'a', events: [{ ...event, id: 1 }] })],
    ['no time', JSON.stringify({ node: 'a', events: [{ ...event, at: undefined }] })],
    ['a mark in words', JSON.stringify({ node: 'a', events: [{ ...event, redelivered: 'yes' }] })],
  ])('of %s is refused', (_what, text) => {
    expect(() => parseHandledReport(text)).toThrow(expect.objectContaining({ code: 'DSO_EMULATOR_BAD_REPORT' }));
  });

  test('is refused with the place of the fault', () => {
    const text = `${JSON.stringify(batch)}\n${JSON.stringify({ node: 'b', events: [event, { ...event, s: 1.5 }] })}`;
    expect(() => parseHandledReport(text)).toThrow('line 2, event 2: "s" is not a sequence number');
  });
});
