import { describe, expect, test } from 'vitest';
import { askToReconnect, deafen, drop, expire, invalidate, requestHeartbeat } from '../../src/core/faults.js';
import { Harness } from './harness.js';

function twoShards(): { harness: Harness; clients: [ReturnType<Harness['connect']>, ReturnType<Harness['connect']>] } {
  const harness = new Harness({ guilds: 0, maxConcurrency: 2 });
  return { harness, clients: [harness.connect().identify([0, 2]), harness.connect().identify([1, 2])] };
}

describe('faults on demand', () => {
  test('op 7 goes to the shards asked for; who does not leave is closed, and can resume', () => {
    const { harness, clients } = twoShards();
    expect(harness.fault(askToReconnect(harness.state, { shards: [1] }, harness.now))).toBe(1);
    expect(clients[0].last?.t).toBe('READY');
    expect(clients[1].last).toMatchObject({ op: 7, d: null });
    harness.advance(4_999);
    expect(clients[1].closedWith).toBeNull();
    harness.advance(1);
    expect(clients[1].closedWith).toBe(4000);
    expect(harness.connect().resume(clients[1].sessionId, 1).last?.t).toBe('RESUMED');
  });

  test('op 9 true leaves the session to be resumed, on the same socket too', () => {
    const { harness, clients } = twoShards();
    harness.fault(invalidate(harness.state, { sessionId: clients[0].sessionId }, true, harness.now));
    expect(clients[0].last).toMatchObject({ op: 9, d: true });
    harness.message(0, 2);
    expect(clients[0].resume(clients[0].sessionId, 1).seen.slice(-2)).toEqual(['MESSAGE_CREATE', 'RESUMED']);
  });

  test('op 9 false ends the session; the socket may identify again', () => {
    const { harness, clients } = twoShards();
    harness.fault(invalidate(harness.state, {}, false, harness.now));
    expect(harness.state.sessions.size).toBe(0);
    expect(clients[0].last).toMatchObject({ op: 9, d: false });
    harness.advance(5_000);
    expect(clients[0].identify([0, 2]).last?.t).toBe('READY');
  });

  test('dropping cuts or closes sockets and keeps sessions', () => {
    const { harness, clients } = twoShards();
    expect(harness.fault(drop(harness.state, { shards: [0] }, null, harness.now))).toBe(1);
    expect(harness.fault(drop(harness.state, { shards: [1] }, 4000, harness.now))).toBe(1);
    expect([clients[0].cut, clients[1].closedWith]).toEqual([true, 4000]);
    expect(harness.state.sessions.size).toBe(2);
    expect(harness.fault(drop(harness.state, {}, null, harness.now))).toBe(0);
  });

  test('expire: sessions end, with or without a socket', () => {
    const { harness, clients } = twoShards();
    clients[0].close(4200);
    expect(harness.fault(expire(harness.state, {}, harness.now))).toBe(2);
    expect(clients[1].closedWith).toBe(4009);
    expect(harness.connect().resume(clients[0].sessionId, 1).last).toMatchObject({ op: 9, d: false });
  });

  test('deaf sockets get no event, their heartbeats are acknowledged, and a RESUME brings everything', () => {
    const { harness, clients } = twoShards();
    const { sessionId } = clients[0];
    expect(harness.fault(deafen(harness.state, { shards: [0] }))).toBe(1);
    harness.message(0, 2);
    harness.message(1, 2);
    expect([clients[0].last?.t, clients[1].last?.t]).toEqual(['READY', 'MESSAGE_CREATE']);
    clients[0].send({ op: 1, d: 1 });
    expect(clients[0].last?.op).toBe(11);
    clients[0].close(4200);
    const again = harness.connect().resume(sessionId, 1);
    expect(again.seen.slice(-2)).toEqual(['MESSAGE_CREATE', 'RESUMED']);
    harness.message(0, 2);
    expect(again.last?.t).toBe('MESSAGE_CREATE');
  });

  test('op 1 asks a client for a heartbeat', () => {
    const { harness, clients } = twoShards();
    harness.fault(requestHeartbeat(harness.state, { shards: [0] }));
    expect(clients[0].last?.op).toBe(1);
  });
});
