/** Where the node of a client writes without a logger of the bot's: to the client's own "debug" and "warn". */
import type { Logger } from '@dshard/transport';
import { Events } from 'discord.js';
import type { Client } from 'discord.js';

export function clientLogger(client: Client): Logger {
  const debug = (_: unknown, message: string): void => void client.emit(Events.Debug, `[Orchestrated] ${message}`);
  const warn = (_: unknown, message: string): void => {
    // What an operator should see must not depend on a listener.
    if (!client.emit(Events.Warn, message)) {
      process.emitWarning(message, 'DshardWarning');
    }
  };
  return { debug, info: debug, warn, error: warn };
}
