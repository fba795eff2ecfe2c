/** How the bots of these tests move what they keep: an event per entry. */
import type { Logger } from '@dshard/transport';
import type { StateHooks } from '../../src/hosts/user-code.js';
import type { KeptState } from './subject.js';

export function movingState(state: KeptState): StateHooks {
  return {
    exportDelta: async (shardId, transfer) => {
      for (const [key, value] of state.get(shardId) ?? []) await transfer.send('entry', { key, value });
    },
    handleUserEvent: (shardId, name, value) => {
      const entry = value as { key: string; value: unknown };
      if (name === 'entry') state.set(shardId, (state.get(shardId) ?? new Map()).set(entry.key, entry.value));
    },
  };
}

/** A logger that tells `log` all but what is only for debugging. */
export function loggerTo(log: (message: string) => void): Logger {
  const say = (_: unknown, message: string): void => log(message);
  return { debug: () => undefined, info: say, warn: say, error: say };
}
