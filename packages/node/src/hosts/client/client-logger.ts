/** Where the node of a client writes without a logger of the bot's: to the client's own "debug" and "warn". */
import type { Logger } from '@dshard/transport';

type Emitter = { emit(event: 'debug' | 'warn', message: string): boolean };

export function clientLogger(client: object): Logger {
  const emitter = client as Emitter;
  const debug = (_: unknown, message: string): void => void emitter.emit('debug', `[Orchestrated] ${message}`);
  const warn = (_: unknown, message: string): void => {
    // What an operator should see must not depend on a listener.
    if (!emitter.emit('warn', message)) process.emitWarning(message, 'DshardWarning');
  };
  return { debug, info: debug, warn, error: warn };
}
