import type { Logger } from '@dshard/transport';

export type LogLine = { level: 'debug' | 'info' | 'warn' | 'error'; fields: Record<string, unknown>; message: string };

/** Keeps what was logged, to look into. */
export function recordingLogger(): Logger & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine['level']) =>
    (fields: Record<string, unknown>, message: string): void => {
      lines.push({ level, fields, message });
    };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
