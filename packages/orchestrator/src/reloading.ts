/** Reads the configuration again while the orchestrator runs, and says in its log what came of that. */
import type { Configuration } from '@dshard/api';
import type { ResolvedConfig } from '@dshard/api/config';
import { messageOf } from '@dshard/protocol';
import type { Logger } from '@dshard/transport';
import { reloadOf } from './config/reload.js';
import { configurationOf } from './http/configuration.js';
import type { LogLevel } from './logger.js';
import type { OrchestratorHandle } from './runtime/contract.js';

export type ReadAgain = (read: () => ResolvedConfig) => Promise<void>;

type Parts = {
  orchestrator: Pick<OrchestratorHandle, 'command'>;
  logger: Logger;
  /** What `GET /v1/config` answers. */
  configuration: Configuration;
  onLevel(this: void, level: LogLevel): void;
};

/** One at a time, in their order. Never rejects: what cannot be used is told, and the settings before stay in force. */
export function reloading(first: ResolvedConfig, { orchestrator, logger, configuration, onLevel }: Parts): ReadAgain {
  let config = first;
  const readAgain = async (read: () => ResolvedConfig): Promise<void> => {
    const { keys, needRestart, settings, config: next } = reloadOf(config, read());
    const rest =
      needRestart.length === 0 ? '' : ` Changed, too, but only a restart takes it over: ${needRestart.join(', ')}.`;
    if (keys.length === 0) {
      logger.info({ needRestart }, `The configuration was read again: nothing of what may change has changed.${rest}`);
      return;
    }
    if (Object.keys(settings).length > 0) {
      const result = await orchestrator.command({ kind: 'changeSettings', settings, keys }, 'configuration');
      if (!result.ok) throw new Error(result.error.message);
    }
    onLevel(next.log.level);
    config = next;
    Object.assign(configuration, configurationOf(next));
    logger.info({ keys, needRestart }, `The configuration was read again; taken over: ${keys.join(', ')}.${rest}`);
  };
  let before: Promise<void> = Promise.resolve();
  return (read) => {
    before = before
      .then(() => readAgain(read))
      .catch((error: unknown) =>
        logger.error({}, `The configuration was read again, and the one before stays in force. ${messageOf(error)}`),
      );
    return before;
  };
}
