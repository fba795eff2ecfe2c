import { virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '../../src/domain/state/effects.js';
import type { RaisedAlarm } from '../../src/domain/state/raised-alarms.js';
import type { OrchestratorState } from '../../src/domain/state/state.js';
import type { AlarmNotice } from '../../src/ports/surroundings.js';
import { AlarmWatch } from '../../src/runtime/alarm-watch.js';
import { testCrashLoop, testNode, testState } from '../http/fake-orchestrator.js';

function watched(changes: Partial<OrchestratorState> = {}) {
  const clock = virtualClock();
  const orchestrator = {
    state: testState({ nodes: new Map([['a', testNode('a')]]), ...changes }),
    store: { name: 's', epoch: 1, state: 'open' as 'open' | 'suspended', since: 0, problem: null as string | null },
  };
  const entries: HistoryEntry[] = [];
  const told: AlarmNotice[] = [];
  const alarmSink = {
    tell: (notices: readonly AlarmNotice[]) => void told.push(...notices),
    close: async () => undefined,
  };
  const noted: (readonly RaisedAlarm[])[] = [];
  const record = (entry: HistoryEntry): void => void entries.push(entry);
  const watch = new AlarmWatch({ clock, alarmSink }, orchestrator, record, (alarms) => noted.push(alarms));
  watch.start();
  return { clock, orchestrator, entries, told, noted, watch };
}

test('an alarm that rises and falls is in the history twice, each time with what it is about', async () => {
  const { clock, orchestrator, entries, told, watch } = watched({ crashLoops: new Map([['', testCrashLoop()]]) });
  await clock.run(1_000);
  expect(watch.alarms()).toMatchObject([{ kind: 'crashLoop', level: 'error' }]);
  orchestrator.state = testState();
  await clock.run(15_000);
  expect(watch.alarms()).toEqual([]);
  expect(entries.map(({ name, level, by, fields }) => [name, level, by, fields['kind']])).toEqual([
    ['alarmRaised', 'error', 'automatic', 'crashLoop'],
    ['alarmCleared', 'info', 'automatic', 'crashLoop'],
  ]);
  expect(told.map(({ event, alarm }) => [event, alarm.kind])).toEqual([
    ['raised', 'crashLoop'],
    ['cleared', 'crashLoop'],
  ]);
  await watch.stop();
  expect(clock.pending()).toBe(0);
});

test('what the orchestrator itself records is told to the webhook, and not recorded twice', async () => {
  const { clock, orchestrator, entries, told } = watched({ alarm: { since: 5, silent: ['a', 'b'], hosts: [] } });
  orchestrator.store = { ...orchestrator.store, state: 'suspended', problem: 'The disk is full.' };
  await clock.run(1_000);
  expect(told.map(({ alarm }) => alarm.kind)).toEqual(['storeSuspended', 'orchestratorCutOff']);
  expect(entries).toEqual([]);
});

describe('after a restart of the orchestrator', () => {
  const stands: RaisedAlarm = {
    key: 'crashLoop',
    kind: 'crashLoop',
    since: -60_000,
    raisedAt: -50_000,
    reason: 'it died',
    shards: [],
    nodes: [],
  };
  const before = (...alarms: RaisedAlarm[]) => ({ raisedAlarms: new Map(alarms.map((alarm) => [alarm.key, alarm])) });

  // Every restart told the webhook of every alarm anew, and of none that was over by then.
  test('an alarm that still stands is told to nobody anew', async () => {
    const { clock, entries, told, watch } = watched({
      ...before(stands),
      crashLoops: new Map([['', testCrashLoop()]]),
    });
    await clock.run(120_000);
    expect([told, entries]).toEqual([[], []]);
    expect(watch.alarms()).toMatchObject([{ kind: 'crashLoop', raisedAt: -50_000 }]);
  });

  test('one that is over is told of as over, when everybody who comes back has had the time for that', async () => {
    const { clock, told, noted } = watched({
      ...before(stands),
      graceUntil: virtualClock().now() + 20_000,
    });
    await clock.run(50_000);
    expect(told).toEqual([]);
    await clock.run(15_000);
    expect(told.map(({ event, alarm }) => [event, alarm.kind])).toEqual([['cleared', 'crashLoop']]);
    expect(noted).toEqual([[]]);
  });

  test('what stands is noted when it has risen, and a kind that this version does not know is left out', async () => {
    const { clock, noted, watch } = watched({
      ...before({ ...stands, key: 'moonPhase', kind: 'moonPhase' }),
      crashLoops: new Map([['', testCrashLoop()]]),
    });
    await clock.run(1_000);
    expect(watch.alarms().map(({ kind }) => kind)).toEqual(['crashLoop']);
    expect(noted.map((alarms) => alarms.map(({ kind }) => kind))).toEqual([['crashLoop']]);
  });
});
