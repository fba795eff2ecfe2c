/** Which rare branches a run has reached, read off what can be observed. */
import type { HistoryEntry, OrchestratorState } from '@dshard/orchestrator/domain';
import type { Marks } from './marks.js';
import type { Observation } from './observation.js';
import { isOrchestrator } from './world/machine.js';

/** What a shard's moves within a node mean. */
const MOVES: Readonly<Record<string, string>> = {
  'closed→resuming': 'closed shard taken back',
  'sending→resuming': 'transfer cancelled, shard taken back',
  'sent→resuming': 'given-away shard taken back',
  'sent→preparing': 'given-away session given back by the orchestrator',
  'sent→closed': 'given-away shard handed over anew',
  'sent→absent': 'given-away shard released',
  'preparing→absent': 'destination aborted while it prepared',
  'staging→absent': 'destination dropped what it was given',
  'resuming→stopping': 'destination aborted while it resumed',
  'resuming→starting': 'resume failed, shard started anew',
  'closing→stopping': 'freeze failed',
  'closing→resuming': 'closed for a connection that is lost',
  'offered→running': 'copy aborted while the shard served',
  'copying→running': 'copy aborted while the shard served',
  'copied→running': 'copy aborted while the shard served',
  'freezing→unfreezing': 'frozen shard unfrozen',
  'sendingDelta→unfreezing': 'frozen shard unfrozen',
  'frozen→unfreezing': 'frozen shard unfrozen',
  'releasing→stopping': 'release failed at the host',
  'released→resuming': 'released shard taken back',
  'released→preparing': 'released session given back by the orchestrator',
  'released→opening': 'released shard comes back in another live migration',
  'released→absent': 'given-away shard released',
  'collecting→absent': 'destination dropped what it was given',
  'verified→absent': 'destination dropped what it was given',
  'activating→stopping': 'destination aborted while it resumed',
};

export function observeMarks(marks: Marks, observation: Observation): void {
  switch (observation.kind) {
    case 'decided':
      for (const entry of observation.entries) observeEntry(marks, entry, observation.state);
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
      if (isOrchestrator(observation.name)) marks.reach('orchestrator started');
      return;
    case 'leads':
      if (observation.epoch > 1) marks.reach('another leads');
      return;
    case 'stored':
      if (observation.what === 'commitAnswered' && observation.outcome !== 'ok')
        marks.reach(`commit: ${observation.outcome}`);
      return;
    case 'committed':
    case 'ready':
    case 'leaving':
    case 'apart':
    case 'begins':
    case 'invalidated':
    case 'resumed':
    case 'stranger':
    case 'handed':
    case 'up':
    case 'stopped':
    case 'frozen':
    case 'stateArrived':
    case 'recorded':
    case 'said':
    case 'processEnded':
    case 'spooled':
    case 'calm':
    case 'ending':
  }
}

function observeEntry(marks: Marks, { name, fields, text }: HistoryEntry, { operations }: OrchestratorState): void {
  if (name === 'migrationFailed') {
    const step = String(fields['step']);
    const reason = String(fields['reason']);
    marks.reach(`migration aborted while ${step}`);
    if (/frozen for longer|did not freeze it/.test(reason)) marks.reach('freeze timeout');
    if (step === 'releasing' && reason.includes(' said: ')) marks.reach('release refused after the commit');
  } else if (name === 'operationEnded') {
    marks.reach(`${String(fields['kind'])} ${fields['ok'] === true ? 'finished' : 'stopped'}`);
    if (text.startsWith('The rollout was reverted')) marks.reach('rollout reverted');
  } else {
    marks.reach(name);
    if (name === 'migrationCompleted' && 'frozenMs' in fields) marks.reach('live migration completed');
    if (name === 'migrationCompleted' && fields['destination'] === '/park') marks.reach('shard parked');
    if (name === 'migrationCompleted' && fields['origin'] === '/park') marks.reach('parked shard given out');
    if (name === 'nodeGone' && operations.size > 0) marks.reach('takeover during a drain or rollout');
  }
}
