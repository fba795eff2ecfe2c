/**
 * Where a library of ours writes what it has to say. `pino` fits as it is; `silentLogger` says nothing.
 * `fields` are plain data that name the thing (`{ node: 'web-3', shard: 12 }`).
 */
export type Logger = {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
};

const nothing = (): void => undefined;

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
