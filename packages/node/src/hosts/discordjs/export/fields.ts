/**
 * discord.js keeps what Discord sent under names and in shapes of its own. A table per structure says how each field
 * goes back to what Discord sends, so that another process can give it to discord.js as if it came from Discord.
 */
export type Payload = Record<string, unknown>;

/**
 * What a value has to become: `flags` a number, `permissions` a decimal string, `time` (milliseconds) an ISO date, null
 * staying null. Without one it stays as it is.
 */
type Shape = 'flags' | 'permissions' | 'time';

/** Discord's name, discord.js' name, and the shape if it differs. */
export type Table<T> = readonly (readonly [string, keyof T & string, Shape?])[];

/** What discord.js does not know (undefined) is left out: it must not know it there either. */
export function fieldsOf<T extends object>(structure: T, table: Table<T>): Payload {
  const payload: Payload = {};
  for (const [name, property, shape] of table) {
    const value: unknown = structure[property];
    // A bit field is null until Discord has said something.
    if (value !== undefined && !(value === null && (shape === 'flags' || shape === 'permissions'))) {
      payload[name] = shape === undefined || value === null ? value : SHAPES[shape](value);
    }
  }
  return payload;
}

const SHAPES: Readonly<Record<Shape, (value: unknown) => unknown>> = {
  flags: (value) => (value as { bitfield: number }).bitfield,
  permissions: (value) => (value as { bitfield: bigint }).bitfield.toString(),
  time: isoDate,
};

export function isoDate(milliseconds: unknown): string | null {
  return typeof milliseconds === 'number' && !Number.isNaN(milliseconds) ? new Date(milliseconds).toISOString() : null;
}

/** `{ skuId }` → `{ sku_id }`, one level deep; null stays null. */
export function snakeCased(value: object | null | undefined): Payload | null {
  if (value === null || value === undefined) {
    return null;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`),
      each,
    ]),
  );
}
