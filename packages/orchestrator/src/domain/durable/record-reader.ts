/**
 * Reads records back. They come from outside, so each one is checked: one that does not make sense is left out, and
 * said so; the nodes make up for it when they come back.
 */
import { Unreadable } from '../state/shape.js';
import type { Codec, JsonValue } from './records.js';

type Readable<R> = Pick<Codec<never, R>, 'kind' | 'read'>;

export class RecordReader {
  readonly #records = new Map<string, Map<string, JsonValue>>();
  readonly #warnings: string[] = [];

  constructor(records: readonly { kind: string; key: string; value: JsonValue }[]) {
    for (const { kind, key, value } of records) {
      const ofKind = this.#records.get(kind) ?? new Map<string, JsonValue>();
      this.#records.set(kind, ofKind.set(key, value));
    }
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** @param isPossible whether the record makes sense beside the others. */
  one<R>({ kind, read }: Readable<R>, key: string, isPossible: (record: R) => boolean = () => true): R | null {
    const value = this.#records.get(kind)?.get(key);
    if (value === undefined || value === null) return null;
    try {
      const record = read(value, key);
      if (isPossible(record)) return record;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
    this.#warnings.push(`The store's record ${kind}/${key} makes no sense and is left out: ${JSON.stringify(value)}.`);
    return null;
  }

  /** By key. */
  all<R>(codec: Readable<R>, isPossible: (key: string, record: R) => boolean = () => true): ReadonlyMap<string, R> {
    const found = new Map<string, R>();
    for (const key of this.#records.get(codec.kind)?.keys() ?? []) {
      const record = this.one(codec, key, (each) => isPossible(key, each));
      if (record !== null) found.set(key, record);
    }
    return found;
  }
}
