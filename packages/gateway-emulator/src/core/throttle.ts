/**
 * While Discord recovers from an outage it may answer IDENTIFY and RESUME with op 9 on sockets that live on, to slow clients down
 * (unofficial documentation). The client keeps its socket and tries again; its session is kept. It costs no session start (our reading).
 */
import type { Ms } from '@dshard/transport';
import type { GatewayState } from './state.js';

export function isThrottled(state: GatewayState, now: Ms): boolean {
  return state.throttledUntil !== null && now < state.throttledUntil;
}

/** Null ends it. */
export function throttleStarts(state: GatewayState, until: Ms | null): void {
  state.throttledUntil = until;
}
