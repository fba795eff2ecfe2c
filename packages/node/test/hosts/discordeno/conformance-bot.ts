import { createBot } from '@discordeno/bot';
import { createDiscordenoHost } from '../../../src/hosts/discordeno/index.js';
import type { MakeBot } from '../subject.js';
import { loggerTo, movingState } from '../kept-state.js';
import { TEST_TIMEOUTS } from '../timeouts.js';

/** The bot of the conformance suite, and of its seeded bugs. */
export const makeBot: MakeBot = ({ gateway, handed, log, state, missed, quietMs }) => {
  const say = (...words: readonly unknown[]): void => log(words.map(String).join(' '));
  const quiet = { debug: say, info: say, warn: say, error: say, fatal: say };
  const bot = createBot({
    // The library reads the bot's id from the token; Discord (here: the emulator) is shown the one it knows.
    token: `${Buffer.from('123456789012345678').toString('base64')}.x.y`,
    intents: 1 | 512 | 4096,
    desiredProperties: {},
    rest: { token: gateway.token, proxy: { baseUrl: gateway.apiUrl, authorization: `Bot ${gateway.token}` } },
    gateway: { token: gateway.token, url: gateway.url },
    loggerFactory: () => quiet as never,
    events: {
      raw: (packet, shardId) => {
        // Sequence 0: a READY that was made here.
        if (packet.t !== null && packet.t !== undefined && packet.s !== 0) handed(shardId, packet as never);
      },
    },
  });
  const host = createDiscordenoHost({
    bot,
    logger: loggerTo(log),
    timeouts: { ...TEST_TIMEOUTS, quietMs },
    state: movingState(state),
    onMissed: missed,
  });
  return { host };
};
