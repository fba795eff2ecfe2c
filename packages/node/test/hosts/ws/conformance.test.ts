import { WebSocketShardEvents } from '@discordjs/ws';
import type { Logger } from '@dshard/transport';
import { createWsHost } from '../../../src/hosts/ws/index.js';
import { describeShardHost } from '../conformance.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

describeShardHost('@discordjs/ws', ({ gateway, handed, log, state }) => {
  const say = (_: unknown, message: string): void => log(message);
  const logger: Logger = { debug: () => undefined, info: say, warn: say, error: say };
  const host = createWsHost({
    token: gateway.token,
    intents: 1 | 512 | 4096,
    api: gateway.apiUrl,
    logger,
    timeouts: TEST_TIMEOUTS,
    state: {
      transferFrom: async (shardId, transfer) => {
        for (const [key, value] of state.get(shardId) ?? []) await transfer.send('entry', { key, value });
      },
      handleUserEvent: (shardId, name, value) => {
        const entry = value as { key: string; value: unknown };
        if (name === 'entry') state.set(shardId, (state.get(shardId) ?? new Map()).set(entry.key, entry.value));
      },
    },
  });
  host.manager.on(WebSocketShardEvents.Dispatch, (payload, shardId) => handed(shardId, payload));
  return { host };
});
