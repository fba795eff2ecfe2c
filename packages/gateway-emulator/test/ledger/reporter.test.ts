import { expect, test } from 'vitest';
import { Ledger } from '../../src/ledger/ledger.js';

function emitted(): Ledger {
  const ledger = new Ledger();
  for (const [index, type] of ['MESSAGE_CREATE', 'TYPING_START', 'MESSAGE_CREATE'].entries()) {
    const event = { eventId: `e${index}`, type, sessionId: 'session', shard: 1, count: 2, s: index + 3 };
    ledger.record({ kind: 'emitted', at: index, ...event });
  }
  return ledger;
}

test('reports what counts, by the session of READY and the sequence, and leaves out the rest', () => {
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

test('of a bot that took over a session, knows events by their id', () => {
  const ledger = emitted();
  const heir = ledger.reporter('heir');
  heir(1, { t: 'MESSAGE_CREATE', s: 3, d: { id: 'e0' } });
  heir(1, { t: 'TYPING_START', s: 4, d: {} });
  expect(ledger.verdict()).toMatchObject({ handled: 1, unexpected: 0 });
});

test('sees what is out of order', () => {
  const ledger = emitted();
  const report = ledger.reporter('bot');
  report(1, { t: 'MESSAGE_CREATE', s: 5, d: { id: 'e2' } });
  report(1, { t: 'MESSAGE_CREATE', s: 3, d: { id: 'e0' } });
  expect(ledger.verdict()).toMatchObject({ handled: 2, outOfOrder: 1 });
});
