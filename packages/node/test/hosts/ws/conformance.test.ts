import { WebSocketShardEvents } from '@discordjs/ws';
import { createWsHost } from '../../../src/hosts/ws/index.js';
import { describeShardHost } from '../conformance.js';
import { loggerTo, movingState } from '../kept-state.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

describeShardHost('@discordjs/ws', ({ gateway, handed, log, state, quietMs }) => {
  const host = createWsHost({
    token: gateway.token,
    intents: 1 | 512 | 4096,
    api: gateway.apiUrl,
    logger: loggerTo(log),
    timeouts: { ...TEST_TIMEOUTS, quietMs },
    state: movingState(state),
  });
  // Sequence 0: a READY that was made here.
  host.manager.on(WebSocketShardEvents.Dispatch, (payload, shardId) => payload.s > 0 && handed(shardId, payload));
  return { host };
});
