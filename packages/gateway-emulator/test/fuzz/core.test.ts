import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { closeCodes } from '../../src/core/discord.js';
import { drop, invalidate, throttleStarts } from '../../src/core/faults.js';
import { beginOutage, endOutage } from '../../src/core/availability.js';
import type { Client } from '../core/harness.js';
import { Harness } from '../core/harness.js';
import { guildId, smallWorld, voiceChannelId } from '../core/small-world.js';

const documented: ReadonlySet<number> = new Set(Object.values(closeCodes));

const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 5_000 }),
  fc.string().map((text) => new TextEncoder().encode(text)),
  fc.json().map((text) => new TextEncoder().encode(text)),
  fc
    .record({ op: fc.integer({ min: -2, max: 50 }), d: fc.jsonValue() })
    .map((value) => new TextEncoder().encode(JSON.stringify(value))),
);

type Step =
  | { do: 'connect' }
  | { do: 'garbage'; bytes: Uint8Array }
  | { do: 'identify'; shard: number }
  | { do: 'resume'; session: number; seq: number }
  | { do: 'heartbeat' }
  | { do: 'close'; code: number }
  | { do: 'message' }
  | { do: 'request'; op: number }
  | { do: 'outage'; begins: boolean }
  | { do: 'throttle' }
  | { do: 'greeting' }
  | { do: 'reset' }
  | { do: 'drop' }
  | { do: 'invalidate'; resumable: boolean }
  | { do: 'wait'; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ do: 'connect' }),
  fc.record({ do: fc.constant('garbage' as const), bytes: garbage }),
  fc.record({ do: fc.constant('identify' as const), shard: fc.nat(3) }),
  fc.record({ do: fc.constant('resume' as const), session: fc.nat(5), seq: fc.nat(12) }),
  fc.constant<Step>({ do: 'heartbeat' }),
  fc.record({ do: fc.constant('close' as const), code: fc.constantFrom(1000, 1001, 1005, 1006, 4000, 4200) }),
  fc.constant<Step>({ do: 'message' }),
  fc.record({ do: fc.constant('request' as const), op: fc.constantFrom(3, 4, 8, 31, 43) }),
  fc.record({ do: fc.constant('outage' as const), begins: fc.boolean() }),
  fc.constant<Step>({ do: 'throttle' }),
  fc.constant<Step>({ do: 'greeting' }),
  fc.constant<Step>({ do: 'reset' }),
  fc.constant<Step>({ do: 'drop' }),
  fc.record({ do: fc.constant('invalidate' as const), resumable: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 2_000, 5_000, 30_000, 90_000) }),
);

const steps = fc.array(fc.tuple(step, fc.nat(4)), { maxLength: 60 });

test('no order of frames, faults and closes breaks the gateway or its invariants', () => {
  fc.assert(
    fc.property(
      steps,
      fc.constantFrom('close-old' as const, 'silence-old' as const, 'keep-both' as const),
      (script, doubleAttach) => {
        const harness = new Harness({ replayBuffer: 4, doubleAttach, maxConcurrency: 4 }, smallWorld());
        const open: Client[] = [harness.connect()];
        const sessionIds: string[] = [];
        for (const [action, which] of script) {
          perform(harness, open, sessionIds, action, which);
          checkInvariants(harness);
        }
        for (const client of harness.clients.values()) checkReceived(client);
      },
    ),
    { numRuns: 400 },
  );
});

test('garbage on a fresh socket ends in a documented close code or is a heartbeat', () => {
  fc.assert(
    fc.property(garbage, (bytes) => {
      const client = new Harness().connect().sendRaw(bytes);
      if (client.closedWith === null) expect(client.last?.op === 11 || client.last?.op === 9).toBe(true);
      else expect(documented).toContain(client.closedWith);
    }),
    { numRuns: 500 },
  );
});

const requests: Readonly<Record<number, unknown>> = {
  3: { status: 'idle', activities: [], since: null, afk: false },
  4: { guild_id: guildId, channel_id: voiceChannelId },
  8: { guild_id: guildId, query: 'user', limit: 2 },
  31: { guild_ids: [guildId] },
  43: { guild_id: guildId, fields: ['status'] },
};

function perform(harness: Harness, open: Client[], sessionIds: string[], action: Step, which: number): void {
  const client = open[which % Math.max(1, open.length)];
  switch (action.do) {
    case 'connect':
      open.push(harness.connect());
      return;
    case 'message':
      harness.message(which % 4, 4);
      return;
    case 'request':
      client?.send({ op: action.op, d: requests[action.op] });
      return;
    case 'outage':
      harness.fault((action.begins ? beginOutage : endOutage)(harness.state, [guildId]));
      return;
    case 'throttle':
      throttleStarts(harness.state, harness.now + 3_000);
      return;
    case 'greeting':
      harness.state.greeting = {
        kind: which % 2 === 0 ? 'reconnect-before-hello' : 'reconnect-instead-of-hello',
        left: 1,
      };
      return;
    case 'reset':
      harness.fault(drop(harness.state, { shards: [which] }, 'reset', harness.now));
      return;
    case 'drop':
      harness.fault(drop(harness.state, { shards: [which] }, null, harness.now));
      return;
    case 'invalidate':
      harness.fault(invalidate(harness.state, { shards: [which] }, action.resumable, harness.now));
      return;
    case 'wait':
      harness.advance(action.ms);
      return;
    case 'garbage':
      client?.sendRaw(action.bytes);
      return;
    case 'heartbeat':
      client?.send({ op: 1, d: null });
      return;
    case 'identify':
      client?.identify([action.shard, 4]);
      for (const { t, d } of client?.received ?? []) if (t === 'READY') sessionIds.push(d.session_id);
      return;
    case 'resume':
      client?.resume(sessionIds[action.session % Math.max(1, sessionIds.length)] ?? 'none', action.seq);
      return;
    case 'close':
      client?.close(action.code);
      open.splice(which % Math.max(1, open.length), 1);
  }
}

function checkInvariants(harness: Harness): void {
  const { sessions, connections, routes } = harness.state;
  for (const session of sessions.values()) {
    expect(routes.get(session.count)?.get(session.shard)).toContain(session);
    for (const echo of session.echoes) expect(connections.get(echo.id)?.phase).toEqual({ kind: 'echo', session });
    if (session.attachment.kind !== 'attached') continue;
    const { phase, id } = session.attachment.connection;
    expect(phase).toEqual({ kind: 'attached', session });
    expect(connections.has(id)).toBe(true);
  }
  for (const { sessionId } of harness.state.voice.values()) expect(sessions.has(sessionId)).toBe(true);
  for (const { phase } of connections.values()) {
    if (phase.kind === 'attached') expect(sessions.get(phase.session.id)).toBe(phase.session);
    if (phase.kind === 'echo') expect(sessions.get(phase.session.id)).toBe(phase.session);
  }
}

/** What one client saw: sequences ascend as long as it stays on one session, and it was closed as documented. */
function checkReceived({ closedWith, received }: Client): void {
  if (closedWith !== null) expect(documented).toContain(closedWith);
  let lastSequence = 0;
  for (const { op, s } of received) {
    if (op === 9) lastSequence = 0;
    if (s === null) continue;
    expect(s).toBeGreaterThan(lastSequence);
    lastSequence = s;
  }
}
