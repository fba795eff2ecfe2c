import { describe, expect, test } from 'vitest';
import { Harness } from './harness.js';

describe('heartbeats', () => {
  test('are acknowledged, before IDENTIFY too', () => {
    const client = new Harness().connect().send({ op: 1, d: null }).identify().send({ op: 1, d: 1 });
    expect(client.received.filter((payload) => payload.op === 11)).toHaveLength(2);
  });

  test('that stop close the socket with 4009, and the session waits for RESUME', () => {
    const harness = new Harness({ heartbeatIntervalMs: 40_000 });
    const client = harness.connect().identify();
    harness.advance(40_000);
    client.send({ op: 1, d: 1 });
    harness.advance(59_999);
    expect(client.closedWith).toBeNull();
    harness.advance(1);
    expect(client.closedWith).toBe(4009);
    expect(harness.violations()).toEqual(['heartbeat-timeout']);
    expect(harness.connect().resume(client.sessionId, 1).last?.t).toBe('RESUMED');
  });

  test('have the interval that HELLO says', () => {
    expect(new Harness({ heartbeatIntervalMs: 1_234 }).connect().last).toMatchObject({
      op: 10,
      d: { heartbeat_interval: 1_234 },
    });
  });
});

describe('what clients send', () => {
  test.each([
    ['text that is not JSON', 'hello', 4002],
    ['nothing', '', 4002],
    ['a number', '7', 4002],
    ['an array', '[{"op":1}]', 4002],
    ['no opcode', '{"d":1}', 4002],
    ['an opcode in words', '{"op":"1"}', 4002],
    ['bytes that are not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 4002],
    ['more than 4096 bytes', JSON.stringify({ op: 1, d: null, pad: 'x'.repeat(4096) }), 4002],
    ['more than 4096 bytes in fewer characters', JSON.stringify({ op: 1, d: null, pad: 'ä'.repeat(2100) }), 4002],
    ['an unknown opcode', '{"op":5,"d":{}}', 4001],
    ['a dispatch', '{"op":0,"d":{}}', 4001],
    ['a heartbeat in words', '{"op":1,"d":"1"}', 4001],
    ['an IDENTIFY without data', '{"op":2}', 4001],
    ['a RESUME without data', '{"op":6,"d":null}', 4001],
    ['a RESUME with a negative sequence', '{"op":6,"d":{"token":"t","session_id":"s","seq":-1}}', 4001],
    ['a presence without data before IDENTIFY', '{"op":3,"d":3}', 4003],
    ['a presence before IDENTIFY', '{"op":3,"d":{}}', 4003],
    ['a request for members before IDENTIFY', '{"op":8,"d":{}}', 4003],
  ])('%s ends in the close code of that fault', (_what, frame, code) => {
    const harness = new Harness();
    expect(harness.connect().sendRaw(frame).closedWith).toBe(code);
    expect(harness.violations()).toEqual(['bad-payload']);
  });

  test('of exactly 4096 bytes is still read', () => {
    const empty = JSON.stringify({ op: 1, d: null, pad: '' });
    const client = new Harness()
      .connect()
      .sendRaw(JSON.stringify({ op: 1, d: null, pad: 'x'.repeat(4096 - empty.length) }));
    expect(client.last?.op).toBe(11);
  });

  test('a fault on a socket with a session keeps the session', () => {
    const harness = new Harness();
    const client = harness.connect().identify().sendRaw('nonsense');
    expect(client.closedWith).toBe(4002);
    expect(harness.connect().resume(client.sessionId, 1).last?.t).toBe('RESUMED');
  });

  test('the 121st payload in 60 s closes the socket with 4008; a minute later the count begins anew', () => {
    const harness = new Harness();
    const client = harness.connect();
    for (let sent = 0; sent < 120; sent += 1) client.send({ op: 1, d: null });
    harness.advance(59_999);
    expect(client.closedWith).toBeNull();
    const other = harness.connect();
    harness.advance(1);
    for (let sent = 0; sent < 120; sent += 1) client.send({ op: 1, d: null });
    expect(client.closedWith).toBeNull();
    expect(client.send({ op: 1, d: null }).closedWith).toBe(4008);
    expect(harness.violations()).toEqual(['send-rate']);
    expect(other.closedWith).toBeNull();
  });

  test('is not read any more after a close', () => {
    const harness = new Harness();
    const client = harness.connect().sendRaw('x');
    client.identify();
    expect(client.seen).toEqual(['op10']);
    expect(harness.state.sessions.size).toBe(0);
  });
});

test.each([[{ encoding: 'etf' }], [{ compress: 'gzip' }]])('a socket that asks for %o is told no: 4002', (query) => {
  expect(new Harness().connect(query).closedWith).toBe(4002);
});
