/** How a value of the configuration is written, for people who read what it is now. */
import { duration } from '../values/field.js';
import { configEntry, type ConfigKey } from './keys.js';

/** As it would stand in `dso.yaml`: `10s`, `25%`, `auto`. What is secret is not shown. */
export function writtenValue(key: ConfigKey, value: unknown): string {
  const { field, secret } = configEntry(key);
  if (value === null) return / or (\w+)$/.exec(field.expected)?.[1] ?? 'none';
  if (secret) return '(secret)';
  if (field.expected.startsWith('a time')) return `${Number(value) / 1000}s`;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  if (typeof value !== 'object') return `${value as string | number | boolean}`;
  if ('percent' in value) return `${String(value.percent)}%`;
  if ('count' in value) return String(value.count);
  const entries = Object.entries(value);
  return entries.length === 0 ? 'none' : entries.map(([name, text]) => `${name}: ${String(text)}`).join(', ');
}

/** A time as it is written (`8s`, `500ms`), in milliseconds. undefined: it is none. */
export function readDuration(written: string): number | undefined {
  return duration().read(written);
}
