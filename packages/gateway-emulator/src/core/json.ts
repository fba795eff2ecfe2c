/** The shapes of JSON that clients are asked for. */

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** A sequence, a count, a bit field: an integer from 0. */
export function isCount(value: unknown): value is number {
  return isInteger(value) && value >= 0;
}

/** An id as JSON carries it. */
export function isSnowflake(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,20}$/.test(value);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Null: not UTF-8, not JSON, or not an object. */
export function parseObject(data: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(data));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
