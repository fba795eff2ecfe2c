/** Which rare branches a run has reached, read off what can be observed. */
import type { Marks } from './marks.js';
import type { Observation } from './observation.js';

/** What a shard's moves within a node mean. */
const MOVES: Readonly<Record<string, string>> = {
  'frozen→resuming': 'frozen shard taken back',
  'sending→resuming': 'transfer cancelled, shard taken back',
  'held→resuming': 'held shard taken back',
  'held→preparing': 'held session given back by the orchestrator',
  'held→frozen': 'held shard handed over anew',
  'held→absent': 'held shard released',
  'preparing→absent': 'destination called off while it prepared',
  'staging→absent': 'destination dropped what it was given',
  'resuming→stopping': 'destination called off while it resumed',
  'resuming→starting': 'resume failed, shard started anew',
  'freezing→stopping': 'freeze failed',
  'freezing→resuming': 'frozen for a connection that is gone',
};

export function observeMarks(marks: Marks, observation: Observation): void {
  switch (observation.kind) {
    case 'decided':
      for (const { name, fields } of observation.happenings) {
        if (name === 'migrationFailed') marks.reach(`migration aborted while ${String(fields['step'])}`);
        else if (name === 'drainFinished') marks.reach(fields['ok'] === true ? 'drain finished' : 'drain stopped');
        else if (name === 'rolloutFinished')
          marks.reach(fields['ok'] === true ? 'rollout finished' : 'rollout stopped');
        else if (name !== 'operationProgress') marks.reach(name);
      }
      return;
    case 'moved': {
      const mark = MOVES[`${observation.from}→${observation.to}`];
      if (mark !== undefined) marks.reach(mark);
      return;
    }
    case 'fault':
      marks.reach(`fault ${observation.fault}`);
      return;
    case 'identify':
      marks.reach(`identify ${observation.permit}`);
      return;
    case 'gateway': {
      const { record } = observation;
      if (record.kind === 'violation') marks.reach(`discord ${record.violation.kind}`);
      if (record.kind === 'attached' && record.replayed > 0) marks.reach('events replayed');
      if (record.kind === 'ended') marks.reach(`session ended: ${record.reason}`);
      return;
    }
    case 'resuming':
      if (observation.received > 0) marks.reach('state moved');
      return;
    case 'processStarted':
      if (observation.name === 'orchestrator') marks.reach('orchestrator started');
      return;
    case 'handed':
    case 'up':
    case 'stopped':
    case 'frozen':
    case 'stateArrived':
    case 'processEnded':
    case 'calm':
    case 'ending':
  }
}
