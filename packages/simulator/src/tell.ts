/** Writes what was observed into the trace, a line each. */
import type { Observation } from './observation.js';
import type { Trace } from './trace.js';

export function tell(trace: Trace, observation: Observation): void {
  switch (observation.kind) {
    case 'handed':
      return trace.say(
        observation.node,
        `user code gets ${observation.sequence} of shard ${observation.shard} (${observation.channel} #${observation.number})`,
      );
    case 'up':
      return trace.say(observation.node, `shard ${observation.shard} is up (${observation.how})`);
    case 'stopped':
      return trace.say(observation.node, `host stops shard ${observation.shard}`);
    case 'frozen':
      return trace.say(observation.node, `host froze shard ${observation.shard} at ${observation.cursor.sequence}`);
    case 'resuming': {
      const { node, shard, cursor, received } = observation;
      return trace.say(node, `host resumes shard ${shard} from ${cursor.sequence} with ${received} pieces of state`);
    }
    case 'identify':
      return trace.say(observation.node, `IDENTIFY of shard ${observation.shard} (permit: ${observation.permit})`);
    case 'moved':
      return trace.say(observation.node, `shard ${observation.shard}: ${observation.from} → ${observation.to}`);
    case 'fault':
      return trace.say('FAULT', `${observation.fault} on ${observation.target}`);
    case 'processStarted':
      return trace.say(observation.name, 'process starts');
    case 'processEnded':
      return trace.say(observation.name, `process ${observation.how}`);
    case 'calm':
      return trace.say('FAULT', 'faults are over');
    case 'ending':
      return trace.say('orchestrator', 'the bot shuts down for good');
    case 'gateway': {
      const { record } = observation;
      if (record.kind === 'emitted' || record.kind === 'missed') return undefined;
      if (record.kind === 'violation') return trace.say('discord', `violation: ${record.violation.message}`);
      const code = record.kind === 'detached' ? ` (${record.code ?? 'no code'})` : '';
      const how = record.kind === 'ended' ? ` (${record.reason})` : code;
      return trace.say('discord', `shard ${record.shard} ${record.kind}${how}`);
    }
    case 'ready':
      return trace.say(observation.node, `is ready for shard ${observation.shard}`);
    case 'leaving': {
      const { node, shard, done } = observation;
      return trace.say(node, `user code ${done ? 'has finished with' : 'is told of the end of'} shard ${shard}`);
    }
    case 'leads':
      return trace.say(observation.name, `leads under epoch ${observation.epoch}`);
    case 'committed':
      return trace.say('database', `version ${observation.version}, by ${observation.batch}`);
    case 'stored': {
      const { by, what } = observation;
      if (what !== 'commitAnswered' || observation.outcome === 'ok') return undefined;
      return trace.say(by, `commit after ${observation.expectedVersion}: ${observation.outcome}`);
    }
    case 'apart':
    case 'begins':
    case 'invalidated':
    case 'resumed':
    case 'stranger':
    case 'decided':
    case 'spooled':
    case 'stateArrived':
    case 'recorded':
    case 'said':
      return undefined;
  }
}
