/** Executes an effect: each kind is the business of one part of the orchestrator. */
import type { WakeUp } from '@dshard/transport';
import type { Effect } from '../domain/state/effects.js';
import type { Connections } from './connections.js';
import type { History } from './history.js';
import type { Park } from './park.js';
import type { Processes } from './processes.js';
import type { GatewayQuestion } from './questions.js';
import type { Requests } from './requests.js';
import type { Violations } from './violations.js';

/** @param cause the connection whose message the effect is a consequence of, or null. */
export type Execute = (effect: Effect, cause: string | null) => void;

type Parts = {
  connections: Connections;
  park: Park | null;
  requests: Requests;
  wakeUp: WakeUp;
  gatewayQuestion: GatewayQuestion;
  processes: Processes;
  /** The least that a process has between SIGTERM and SIGKILL. */
  stopGraceMs: number;
  violations: Violations;
  history: History;
};

export function executor(parts: Parts): Execute {
  const { connections, park, requests, wakeUp, gatewayQuestion, processes, violations, history } = parts;
  return (effect, cause) => {
    switch (effect.kind) {
      case 'send':
        connections.send(effect.connection, effect.message, cause);
        return;
      case 'park':
        park?.take(effect);
        return;
      case 'close':
        connections.close(effect.connection, { code: effect.code, message: effect.message }, effect.refused);
        return;
      case 'accept':
        connections.established(effect.connection);
        return;
      case 'reply':
        requests.answer(effect.request, effect.result);
        return;
      case 'wakeAt':
        wakeUp.set(effect.at);
        return;
      case 'fetchGatewayInfo':
        void gatewayQuestion.ask();
        return;
      case 'launchNode':
        processes.launch(effect.launch, effect.version);
        return;
      case 'endProcess':
        void processes.stop(effect.node, Math.max(effect.graceMs, parts.stopGraceMs));
        return;
      case 'record':
        if (!violations.takes(effect.entry)) history.record(effect.entry);
    }
  };
}
