import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { voiceReceived } from '../../src/voice/voice-gateway.js';
import { voicePacket } from '../../src/voice/voice-packets.js';
import { dropVoice } from '../../src/voice/voice-sessions.js';
import { VoiceBench } from './harness.js';

const here = { address: '127.0.0.1', port: 50_123 };

/** Asks the UDP side who it is talking to. */
function discovery(ssrc: number, length = 70): Buffer {
  const request = Buffer.alloc(74);
  request.writeUInt16BE(1, 0);
  request.writeUInt16BE(length, 2);
  request.writeUInt32BE(ssrc, 4);
  return request;
}

function rtp(ssrc: number, bytes = 60): Buffer {
  const packet = Buffer.alloc(bytes, 7);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(0x78, 1);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

describe('the way to a voice connection that is ready:', () => {
  test('HELLO, READY with where voice goes, IP discovery, session description with a key and no DAVE', () => {
    const bench = new VoiceBench();
    const client = bench.connect().identify();
    expect(client.received[0]).toEqual({ op: 8, d: { v: 8, heartbeat_interval: 13_750 } });
    const ready = client.received[1];
    expect(ready).toMatchObject({ op: 2, d: { ip: '127.0.0.1', port: 4_000 } });
    expect(ready?.d['modes']).toEqual(['aead_aes256_gcm_rtpsize', 'aead_xchacha20_poly1305_rtpsize']);
    const ssrc = Number(ready?.d['ssrc']);
    const answer = voicePacket(bench.state, discovery(ssrc), here);
    expect(answer?.byteLength).toBe(74);
    expect([answer?.readUInt16BE(0), answer?.readUInt16BE(2), answer?.readUInt32BE(4)]).toEqual([2, 70, ssrc]);
    expect(answer?.subarray(8, answer.indexOf(0, 8)).toString()).toBe(here.address);
    expect(answer?.readUInt16BE(72)).toBe(here.port);
    client.select();
    expect(client.last).toMatchObject({ op: 4, d: { mode: 'aead_aes256_gcm_rtpsize', dave_protocol_version: 0 } });
    const key = client.last?.d['secret_key'] as number[];
    expect(key).toHaveLength(32);
    expect(key.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)).toBe(true);
    expect(new Set(key).size).toBeGreaterThan(16);
  });

  test.each([
    ['4', 12_345, 12_345],
    ['7', 12_345, 12_345],
    ['8', { t: 12_345, seq_ack: -1 }, { t: 12_345 }],
  ])('heartbeats of version %s are acknowledged with their nonce, before IDENTIFY too', (version, d, acknowledged) => {
    const client = new VoiceBench().connect(version).send({ op: 3, d });
    expect(client.last).toEqual({ op: 6, d: acknowledged });
  });

  test('speaking is noted, and packets are counted once a mode was agreed on', () => {
    const bench = new VoiceBench();
    const client = bench.connect().identify();
    const session = bench.state.sessions.get('g');
    const ssrc = session?.ssrc ?? 0;
    voicePacket(bench.state, rtp(ssrc), here);
    expect(session?.received).toEqual({ packets: 0, bytes: 0 });
    client.select().send({ op: 5, d: { speaking: 1, delay: 0, ssrc } });
    expect(session?.speaking).toBe(1);
    expect(voicePacket(bench.state, rtp(ssrc), here)).toBeNull();
    voicePacket(bench.state, rtp(ssrc, 100), here);
    voicePacket(bench.state, rtp(ssrc + 1), here);
    expect(session?.received).toEqual({ packets: 2, bytes: 160 });
  });
});

describe('a voice socket is closed for', () => {
  test.each<[string, unknown, number]>([
    ['no JSON', '{', 4002],
    ['no object', '[]', 4002],
    ['no opcode', {}, 4002],
    ['an opcode that nobody sends', { op: 2, d: {} }, 4001],
    ['an IDENTIFY without token', { op: 0, d: { server_id: 'g', user_id: 'bot', session_id: 's' } }, 4002],
    ['a mode before IDENTIFY', { op: 1, d: { protocol: 'udp', data: { address: 'x', port: 1, mode: 'x' } } }, 4003],
    ['speaking before IDENTIFY', { op: 5, d: { speaking: 1 } }, 4003],
    ['a RESUME of a session that never was', { op: 7, d: { server_id: 'g', session_id: 's', token: 't' } }, 4006],
  ])('%s, with the code of that fault', (_what, payload, code) => {
    expect(new VoiceBench().connect().send(payload).closedWith).toBe(code);
  });

  test.each<[string, Record<string, unknown>, number]>([
    ['a wrong token', { token: 'other' }, 4004],
    ['somebody else', { user_id: 'friend' }, 4004],
    ['another gateway session', { session_id: 'other' }, 4006],
    ['a guild where the bot is in no channel', { server_id: 'h' }, 4011],
  ])('an IDENTIFY of %s', (_what, more, code) => {
    const bench = new VoiceBench();
    expect(bench.connect().identify(more).closedWith).toBe(code);
    expect(bench.state.sessions.size).toBe(0);
  });

  test.each([
    ['a mode that is not offered', { mode: 'xsalsa20_poly1305' }, 4016],
    ['no port', { port: -1 }, 4002],
  ])('%s, with the code of that fault', (_what, more, code) => {
    expect(new VoiceBench().connect().identify().select(more).closedWith).toBe(code);
  });

  test('a protocol other than UDP, and a second IDENTIFY', () => {
    const data = { address: 'x', port: 1, mode: 'aead_aes256_gcm_rtpsize' };
    const webrtc = new VoiceBench()
      .connect()
      .identify()
      .send({ op: 1, d: { protocol: 'webrtc', data } });
    expect(webrtc.closedWith).toBe(4012);
    expect(new VoiceBench().connect().identify().identify().closedWith).toBe(4005);
    expect(new VoiceBench().connect().identify().resume().closedWith).toBe(4005);
  });

  test.each([[null], ['3'], ['9'], ['x']])('version %s, which is not served', (version) => {
    expect(new VoiceBench().connect(version).closedWith).toBe(4012);
  });

  test('nothing that clients may send of video and DAVE: it is taken, and not answered', () => {
    const client = new VoiceBench().connect().identify().select();
    const before = client.ops;
    for (const op of [12, 15, 16, 23]) client.send({ op, d: {} });
    expect([client.ops, client.closedWith]).toEqual([before, null]);
  });
});

describe('a voice session', () => {
  test('is resumed on another socket with its transport, until its time is over', () => {
    const bench = new VoiceBench();
    const first = bench.connect('4').identify().select();
    const ssrc = bench.state.sessions.get('g')?.ssrc;
    first.leave();
    bench.advance(59_999);
    const second = bench.connect('4').resume();
    expect(second.last).toEqual({ op: 9, d: null });
    expect(bench.state.sessions.get('g')).toMatchObject({ ssrc, transport: { mode: 'aead_aes256_gcm_rtpsize' } });
    second.leave();
    bench.advance(60_000);
    expect(bench.connect('4').resume().closedWith).toBe(4006);
  });

  test('with version 8 is brought what was missed, in order, and nothing that was heard', () => {
    const bench = new VoiceBench();
    bench.others = ['ada'];
    const first = bench.connect().identify().select();
    expect(first.received.filter(({ seq }) => seq !== undefined)).toEqual([
      { op: 11, d: { user_ids: ['ada'] }, seq: 0 },
    ]);
    bench.others = ['ada', 'eli'];
    bench.advance(100);
    first.send({ op: 3, d: { t: 1, seq_ack: 1 } }).leave();
    bench.others = ['eli'];
    bench.advance(100);
    bench.others = ['eli', 'ira'];
    bench.advance(100);
    const second = bench.connect().resume({ seq_ack: 1 });
    expect(second.received.slice(1)).toEqual([
      { op: 9, d: null },
      { op: 13, d: { user_id: 'ada' }, seq: 2 },
      { op: 11, d: { user_ids: ['ira'] }, seq: 3 },
    ]);
    second.leave();
    const third = bench.connect().resume({ seq_ack: 3 });
    expect(third.ops).toEqual([8, 9]);
    third.leave();
    // What it says it missed was acknowledged before, and is gone.
    expect(bench.connect().resume({ seq_ack: 0 }).closedWith).toBe(4006);
  });

  test('that is resumed while a socket holds it takes it from there', () => {
    const bench = new VoiceBench();
    const first = bench.connect().identify();
    const second = bench.connect().resume();
    expect([first.closedWith, second.last?.op]).toEqual([4006, 9]);
  });

  test('is closed without heartbeats, and can be resumed', () => {
    const bench = new VoiceBench();
    const client = bench.connect().identify();
    bench.advance(41_249);
    expect(client.closedWith).toBeNull();
    bench.advance(1);
    expect(client.closedWith).toBe(4009);
    client.leave();
    expect(bench.connect().resume().last?.op).toBe(9);
  });

  test('ends with 4014 when the bot leaves the channel, or its gateway session ends', () => {
    const bench = new VoiceBench();
    const client = bench.connect().identify();
    bench.place = null;
    bench.advance(100);
    expect(client.closedWith).toBe(4014);
    expect(bench.connect().resume().closedWith).toBe(4006);
  });

  test('that the bot has joined again elsewhere has five seconds to change over', () => {
    const bench = new VoiceBench();
    const client = bench.connect().identify();
    bench.place = { channelId: 'd', sessionId: 's', token: 'new' };
    bench.advance(100);
    expect(bench.connect().resume().closedWith).toBe(4006);
    bench.advance(4_900);
    expect(client.closedWith).toBeNull();
    bench.advance(100);
    expect(client.closedWith).toBe(4014);
    expect(bench.connect().identify({ token: 'new' }).ops).toEqual([8, 2]);
  });

  test('is replaced by an IDENTIFY of the same guild', () => {
    const bench = new VoiceBench();
    const old = bench.connect().identify();
    bench.place = { channelId: 'd', sessionId: 's', token: 'new' };
    expect(bench.connect().identify({ token: 'new' }).ops).toEqual([8, 2]);
    expect(old.closedWith).toBe(4006);
    expect(bench.state.sessions.size).toBe(1);
  });

  test('is dropped by the operator, with a code or without, and kept', () => {
    const bench = new VoiceBench();
    const client = bench.connect().identify();
    expect(dropVoice(bench.state, { guilds: ['h'], code: 4015 }, bench.now).affected).toBe(0);
    bench.run(dropVoice(bench.state, { guilds: ['g'], code: 4015 }, bench.now).effects);
    expect(client.closedWith).toBe(4015);
    const second = bench.connect().resume();
    bench.run(dropVoice(bench.state, { guilds: null, code: null }, bench.now).effects);
    expect(second.closedWith).toBe('cut');
    expect(bench.connect().resume().last?.op).toBe(9);
  });
});

describe('UDP packets', () => {
  test('of discovery for an unknown ssrc, or of another length, are not answered', () => {
    const bench = new VoiceBench();
    bench.connect().identify();
    const ssrc = bench.state.sessions.get('g')?.ssrc ?? 0;
    expect(voicePacket(bench.state, discovery(ssrc + 1), here)).toBeNull();
    expect(voicePacket(bench.state, discovery(ssrc, 69), here)).toBeNull();
    expect(voicePacket(bench.state, discovery(ssrc).subarray(0, 73), here)).toBeNull();
  });

  test('that keep a connection alive are sent back', () => {
    const counter = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
    expect(voicePacket(new VoiceBench().state, counter, here)).toBe(counter);
  });
});

test('garbage, in messages and packets, ends in a close code or in nothing', () => {
  const payload = fc.record(
    { op: fc.oneof(fc.integer({ min: 0, max: 32 }), fc.jsonValue()), d: fc.jsonValue(), seq: fc.jsonValue() },
    { requiredKeys: [] },
  );
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    payload.map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.uint8Array({ maxLength: 100 })),
      (messages, packets) => {
        const bench = new VoiceBench();
        const client = bench.connect();
        for (const data of messages) bench.run(voiceReceived(bench.state, client.id, data, bench.now));
        for (const packet of packets) voicePacket(bench.state, Buffer.from(packet), here);
        if (client.closedWith !== null) expect(client.closedWith).toBeGreaterThan(4000);
      },
    ),
    { numRuns: 500 },
  );
});
