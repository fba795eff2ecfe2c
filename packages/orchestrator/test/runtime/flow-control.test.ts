import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { FlowControl } from '../../src/runtime/flow-control.js';

function flowControl() {
  const clock = virtualClock();
  const actions: string[] = [];
  const flow = new FlowControl(clock, {
    pause: (id) => actions.push(`pause ${id}`),
    resume: (id) => actions.push(`resume ${id}`),
  });
  /** What was done since the last call. */
  const done = (): string[] => actions.splice(0);
  return { clock, flow, done };
}

test('an origin waits until its destination has drained', () => {
  const { clock, flow, done } = flowControl();
  flow.hold('a', 'b');
  flow.hold('a', 'b');
  expect(done()).toEqual(['pause a']);
  flow.drained('c');
  expect(done()).toEqual([]);
  flow.drained('b');
  expect(done()).toEqual(['resume a']);
  expect(clock.pending()).toBe(0);
});

test('an origin with two slow destinations waits for both; a destination lets go of all its origins', () => {
  const { clock, flow, done } = flowControl();
  flow.hold('a', 'x');
  flow.hold('a', 'y');
  flow.hold('b', 'x');
  expect(done()).toEqual(['pause a', 'pause b']);
  flow.drained('x');
  expect(done()).toEqual(['resume b']);
  flow.drained('y');
  expect(done()).toEqual(['resume a']);
  expect(clock.pending()).toBe(0);
});

test('a destination that goes away lets its origins go on', () => {
  const { clock, flow, done } = flowControl();
  flow.hold('a', 'b');
  flow.forget('b');
  expect(done()).toEqual(['pause a', 'resume a']);
  expect(clock.pending()).toBe(0);
});

test('an origin that goes away is neither resumed nor remembered', () => {
  const { clock, flow, done } = flowControl();
  flow.hold('a', 'b');
  flow.forget('a');
  flow.drained('b');
  expect(done()).toEqual(['pause a']);
  expect(clock.pending()).toBe(0);
});

test('nobody waits for ever: two that wait for each other go on after a second', () => {
  const { clock, flow, done } = flowControl();
  flow.hold('a', 'b');
  flow.hold('b', 'a');
  expect(done()).toEqual(['pause a', 'pause b']);
  clock.advance(999);
  expect(done()).toEqual([]);
  clock.advance(1);
  expect(done()).toEqual(['resume a', 'resume b']);
  flow.hold('a', 'b');
  expect(done()).toEqual(['pause a']);
});
