/**
 * What a destination handles in one go: a window full of state must not keep the shards that serve there from their
 * events.
 */
import { UserEventRegistry } from '@dshard/protocol';
import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { UserEventLanes } from '../src/user-event-lanes.js';

const EVENT = 100;
const STAGE = 1;

test('a full lane is handled in slices, with room for others in between', async () => {
  const clock = virtualClock();
  let busyMs = 0;
  const working = { ...clock, monotonicMs: () => busyMs };
  const userEvents = new UserEventRegistry().register(EVENT, 'text');
  const seen: unknown[] = [];
  const lanes = new UserEventLanes({
    host: {
      handleUserEvent: (_: number, __: string, value: unknown) => {
        seen.push(value);
        busyMs += 3;
      },
    } as never,
    clock: working,
    userEvents,
    inTime: (work) => work,
    handled: () => undefined,
  });
  const other = (times: number): void => {
    if (times > 0) clock.after(0, () => (seen.push('another'), other(times - 1)));
  };
  other(3);
  for (let index = 0; index < 7; index++) lanes.add(STAGE, 0, EVENT, userEvents.encode('text', index).body);
  await clock.run(0);
  expect(seen).toEqual([0, 1, 2, 'another', 3, 4, 5, 'another', 6, 'another']);
});
