import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { defaultSettings } from '../../src/config/settings.js';
import { initialState } from '../../src/domain/decide.js';
import type { DomainEvent, PeerEvent } from '../../src/domain/state/events.js';
import { Pace } from '../../src/runtime/pace.js';
import { decidedTogether, takeTogether } from '../../src/runtime/together.js';

const closed = (connection: string): PeerEvent => ({ kind: 'connectionClosed', connection, reason: 'gone' });
const said = (connection: string): PeerEvent => ({
  kind: 'message',
  connection,
  message: { kind: 'heartbeatAck', sequence: 1 },
});
const joins = (connection: string): PeerEvent => ({
  kind: 'identify',
  connection,
  peer: { remote: '127.0.0.1:1', loopback: true, proof: 'none' },
  message: {
    kind: 'identify',
    totalShards: 0,
    runningShards: [],
    version: '',
    nodeId: connection,
    logicVersion: 1,
    capabilities: [],
    host: null,
    pid: null,
    heldSessions: [],
  },
});

const nameOf = (event: DomainEvent): string =>
  'connection' in event ? `${event.kind} ${event.connection}` : event.kind;

/** Handling an event takes `ms`. */
function paced(ms: number) {
  const clock = virtualClock();
  let worked = 0;
  const turns: string[][] = [];
  const busy = { ...clock, monotonicMs: () => clock.monotonicMs() + worked };
  const pace = new Pace(busy, (events) => {
    turns.push(events.map(nameOf));
    worked += ms;
  });
  return { pace, clock, turns };
}

test('while there is little to do, each event is handled as it comes', () => {
  const { pace, turns } = paced(0);
  for (const event of [joins('a'), said('a'), closed('a')]) pace.push(event);
  expect(turns).toEqual([['identify a'], ['message a'], ['connectionClosed a']]);
});

// Five hundred nodes connected at once: each join cost a look at all nodes and a commit, heartbeats waited behind the
// joins, and those who were in were cut off for their silence and joined again.
test('under load what comes is handled together, and those who are in come before those who want to be let in', async () => {
  const { pace, clock, turns } = paced(100);
  pace.push(said('a'));
  for (const event of [joins('x'), joins('y'), said('a'), said('b')]) pace.push(event);
  expect(turns).toEqual([['message a']]);
  await clock.run(5);
  expect(turns.slice(1)).toEqual([['message a', 'message b', 'identify x', 'identify y']]);
});

test('of those who want to be let in a turn admits so many, and who hangs up meanwhile is forgotten', async () => {
  const { pace, clock, turns } = paced(100);
  pace.push(said('a'));
  for (let i = 0; i < 250; i += 1) pace.push(joins(`n${i}`));
  pace.push(closed('n7'));
  await clock.run(100);
  expect(turns.slice(1).map(({ length }) => length)).toEqual([100, 100, 49]);
  expect(turns.flat()).not.toContain('identify n7');
  expect(turns.flat()).not.toContain('connectionClosed n7');
});

test('time passes for those only who had their say: a tick is behind the messages that wait', () => {
  const { pace, turns } = paced(100);
  for (const event of [said('a'), said('b'), { kind: 'tick' } as const]) pace.push(event);
  expect(turns).toEqual([['message a'], ['message b', 'tick']]);
});

test('state on its way is handled alone, and in its place', () => {
  const relayed: PeerEvent = {
    kind: 'message',
    connection: 'r',
    message: { kind: 'userEvent', shardId: 0, eventId: 101, body: new Uint8Array() },
  } as PeerEvent;
  const queue: DomainEvent[] = [said('a'), said('b'), relayed, said('c'), { kind: 'tick' }];
  const taken: string[] = [];
  for (let event = takeTogether(queue); event !== undefined; event = takeTogether(queue)) {
    taken.push(event.kind === 'together' ? event.events.map(nameOf).join(', ') : nameOf(event));
  }
  expect(taken).toEqual(['message a, message b', 'message r', 'message c', 'tick']);
});

test('an event that cannot be handled costs no other event of its turn', () => {
  const state = initialState(defaultSettings(), 0);
  const failed: string[] = [];
  const decision = decidedTogether(
    (before, event) => {
      const events = event.kind === 'together' ? event.events : [event];
      if (events.some((each) => nameOf(each) === 'message bad')) throw new Error('impossible');
      return { state: { ...before, nextId: before.nextId + events.length }, effects: [] };
    },
    state,
    { kind: 'together', events: [said('a'), said('bad'), said('b')] },
    0,
    (event) => failed.push(nameOf(event)),
  );
  expect(decision.state.nextId).toBe(state.nextId + 2);
  expect(failed).toEqual(['message bad']);
});
