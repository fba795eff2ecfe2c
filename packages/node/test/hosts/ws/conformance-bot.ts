import { WebSocketShardEvents } from '@discordjs/ws';
import { createWsHost } from '../../../src/hosts/ws/index.js';
import type { MakeBot } from '../subject.js';
import { loggerTo, movingState } from '../kept-state.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

/** The bot of the conformance suite, and of its seeded bugs. */
export const makeBot: MakeBot = ({ gateway, handed, log, state, missed, quietMs }) => {
  const host = createWsHost({
    token: gateway.token,
    intents: 1 | 512 | 4096,
    api: gateway.apiUrl,
    logger: loggerTo(log),
    timeouts: { ...TEST_TIMEOUTS, quietMs },
    state: movingState(state),
    onMissed: missed,
  });
  // Sequence 0: a READY that was made here.
  host.manager.on(WebSocketShardEvents.Dispatch, (payload, shardId) => payload.s > 0 && handed(shardId, payload));
  return { host };
};
