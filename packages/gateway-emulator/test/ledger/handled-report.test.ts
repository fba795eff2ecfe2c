import { describe, expect, test } from 'vitest';
import { parseHandledReport } from '../../src/ledger/handled-report.js';
import { Ledger } from '../../src/ledger/ledger.js';

const event = { shard: 0, s: 2, id: '1', t: 'MESSAGE_CREATE', at: 1.5 };
const batch = { node: 'a', events: [event, { ...event, sessionId: 'x', redelivered: true }] };

describe('a report', () => {
  test.each([
    ['one batch', JSON.stringify(batch), 1],
    ['one batch over several lines', JSON.stringify(batch, null, 2), 1],
    ['an array of batches', JSON.stringify([batch, batch]), 2],
    ['nothing', '', 0],
    ['a batch per line', `${JSON.stringify(batch)}\n\n${JSON.stringify(batch)}\n`, 2],
  ])('may be written as %s', (_what, text, count) => {
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
  ])('with %s is refused', (_what, text) => {
    expect(() => parseHandledReport(text)).toThrow(expect.objectContaining({ code: 'DSO_EMULATOR_BAD_REPORT' }));
  });

  test('is refused with the place of the fault', () => {
    const text = `${JSON.stringify(batch)}\n${JSON.stringify({ node: 'b', events: [event, { ...event, s: 1.5 }] })}`;
    expect(() => parseHandledReport(text)).toThrow('line 2, event 2: "s" is not a sequence number');
  });
});

function emitted(): Ledger {
  const ledger = new Ledger();
  for (const [index, type] of ['MESSAGE_CREATE', 'TYPING_START', 'MESSAGE_CREATE'].entries()) {
    const event = { eventId: `e${index}`, type, sessionId: 'session', shard: 1, count: 2, s: index + 3 };
    ledger.record({ kind: 'emitted', at: index, ...event });
  }
  return ledger;
}

test('a reporter reports what counts, by the session of READY and the sequence, and leaves out the rest', () => {
  const ledger = emitted();
  const report = ledger.reporter('bot');
  report(1, { t: 'READY', s: 1, d: { session_id: 'session' } });
  report(1, { t: 'GUILD_CREATE', s: 2, d: { id: 'a guild' } });
  report(1, { t: 'MESSAGE_CREATE', s: 3, d: { id: 'e0' } });
  report(1, { t: 'TYPING_START', s: 4, d: {} });
  report(1, { t: 'MESSAGE_CREATE', s: 5, d: { id: 'e2' } });
  ledger.expectExactlyOnce();
  expect(ledger.verdict()).toMatchObject({ clean: true, handled: 3, unexpected: 0 });
  report(1, { t: 'TYPING_START', s: 4, d: {} }, { redelivered: true });
  expect(ledger.verdict()).toMatchObject({ redelivered: 1, duplicated: 0 });
});

test('a reporter of a bot that took over a session knows events by their id', () => {
  const ledger = emitted();
  const heir = ledger.reporter('heir');
  heir(1, { t: 'MESSAGE_CREATE', s: 3, d: { id: 'e0' } });
  heir(1, { t: 'TYPING_START', s: 4, d: {} });
  expect(ledger.verdict()).toMatchObject({ handled: 1, unexpected: 0 });
});

test('a reporter shows the ledger what is out of order', () => {
  const ledger = emitted();
  const report = ledger.reporter('bot');
  report(1, { t: 'MESSAGE_CREATE', s: 5, d: { id: 'e2' } });
  report(1, { t: 'MESSAGE_CREATE', s: 3, d: { id: 'e0' } });
  expect(ledger.verdict()).toMatchObject({ handled: 2, outOfOrder: 1 });
});
