/** What a process still does when its last shard has gone, under a clock that stands still. */
import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { Departure } from '../src/departure.js';
import { FakeHost } from './fake-host.js';

function departure() {
  const clock = virtualClock();
  const host = new FakeHost();
  const problems: string[] = [];
  const leaving = new Departure({
    host,
    clock,
    lingerMs: 15_000,
    hostCallMs: 10_000,
    exitOnShutdown: false,
    signals: false,
    logger: { info: () => undefined },
    leave: { withinMs: 8_000 },
    problem: (text) => void problems.push(text),
  });
  return { clock, host, problems, leaving };
}

test('what user code still does ends first, then the hooks run, the last one first, then the host lets go', async () => {
  const { clock, host, problems, leaving } = departure();
  let end: () => void = () => undefined;
  const handlers = new Promise<void>((resolve) => {
    end = resolve;
  });
  const settled = Object.assign(host, { settled: () => handlers.then(() => void host.calls.push('settled')) });
  const note = (what: string) => () => void settled.calls.push(what);
  leaving.onShutdown(note('database'));
  leaving.onShutdown(note('statistics'));
  leaving.onShutdown(note('taken off again'))();
  const departed = leaving.depart('bot', null);
  await clock.run(14_000);
  expect(host.calls).toEqual([]);
  end();
  await departed;
  expect(host.calls).toEqual(['settled', 'statistics', 'database', 'shutdown']);
  expect(problems).toEqual([]);
});

test('a handler that never ends is waited for as long as the node lingers, and a hook that throws stops nobody', async () => {
  const { clock, host, problems, leaving } = departure();
  Object.assign(host, { settled: () => new Promise(() => undefined) });
  leaving.onShutdown(() => void host.calls.push('hook'));
  leaving.onShutdown(() => {
    throw new Error('no database');
  });
  const departed = leaving.depart('bot', null);
  await clock.run(14_999);
  expect(host.calls).toEqual([]);
  await clock.run(1);
  await departed;
  expect(host.calls).toEqual(['hook', 'shutdown']);
  expect(problems).toEqual([
    'Leaving was not clean: The host did not finish settled within 15000 ms (lingerMs).',
    'Leaving was not clean: no database',
  ]);
});
