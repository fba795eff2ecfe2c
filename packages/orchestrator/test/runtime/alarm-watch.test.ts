import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import type { HistoryEntry } from '../../src/domain/state/effects.js';
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
  const watch = new AlarmWatch({ clock, alarmSink }, orchestrator, (entry) => entries.push(entry));
  watch.start();
  return { clock, orchestrator, entries, told, watch };
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
