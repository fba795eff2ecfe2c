/**
 * One thing a person can write (a configuration key, a parameter of a request): the typebox schema of what may be written, what is
 * said when something else was, and how what was written becomes what is used. Text is accepted wherever a number or a truth
 * value is, because the environment, flags and forms know nothing else.
 */
import { inspect } from 'node:util';
import { Type } from 'typebox';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { parseAddress } from '@dshard/transport';
import { MAX_DURATION_MS, parseDuration } from './duration.js';
import { MAX_SHARDS, parseShardList } from './shard-list.js';

export type Field<T> = {
  schema: TSchema;
  /** Completes "expected …". */
  expected: string;
  /** Turns what the schema accepted into what is used; `undefined`: not acceptable after all. */
  read(written: unknown): T | undefined;
};

/** `undefined` when what was written is not what the field takes. */
export function readField<T>(field: Field<T>, written: unknown): T | undefined {
  return Value.Check(field.schema, written) ? field.read(written) : undefined;
}

/** What was found, for a sentence that says so. Long texts are cut; `secret` ones are not shown at all. */
export function describeValue(value: unknown, secret = false): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a section';
  if (secret) return `a ${typeof value}`;
  const shown = typeof value === 'string' ? JSON.stringify(value) : inspect(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}…` : shown;
}

export function wholeNumber(range: { min: number; max?: number }): Field<number> {
  const { min, max = Number.MAX_SAFE_INTEGER } = range;
  const bounds = range.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    schema: Type.Union([Type.Integer(), Type.String({ pattern: '^\\d{1,16}$' })]),
    expected: `a whole number ${bounds}`,
    read: (written) => {
      const number = Number(written);
      return number >= min && number <= max ? number : undefined;
    },
  };
}

/** So many, or a share of all. */
export function countOrShare(): Field<{ count: number } | { percent: number }> {
  return {
    schema: Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^\\d{1,9}%?$' })]),
    expected: 'a number of at least 1, or a share such as 25%',
    read: (written) => {
      const number = Number.parseInt(String(written), 10);
      if (!String(written).endsWith('%')) return number >= 1 ? { count: number } : undefined;
      return number >= 1 && number <= 100 ? { percent: number } : undefined;
    },
  };
}

export function flag(): Field<boolean> {
  return {
    schema: Type.Union([Type.Boolean(), Type.Literal('true'), Type.Literal('false')]),
    expected: 'true or false',
    read: (written) => written === true || written === 'true',
  };
}

export function text(options: { expected?: string; pattern?: RegExp; maxLength?: number } = {}): Field<string> {
  const { expected = 'a text', pattern, maxLength = 4096 } = options;
  return {
    schema: Type.String({ minLength: 1, maxLength, ...(pattern ? { pattern: pattern.source } : {}) }),
    expected,
    read: (written) => String(written),
  };
}

export function choice<const T extends string>(...choices: readonly T[]): Field<T> {
  return {
    schema: Type.Union(choices.map((each) => Type.Literal(each))),
    expected: `one of ${choices.join(', ')}`,
    read: (written) => choices.find((each) => each === written),
  };
}

/** Milliseconds. `min` is what it must last at least. */
export function duration(options: { min?: number } = {}): Field<number> {
  const { min = 0 } = options;
  return {
    schema: Type.Union([Type.Number({ minimum: 0, maximum: MAX_DURATION_MS }), Type.String({ maxLength: 40 })]),
    expected: `a time such as "10s", "250ms", "2m" or a number of milliseconds${min > 0 ? `, at least ${min} ms` : ''}`,
    read: (written) => {
      const ms = typeof written === 'number' ? Math.round(written) : parseDuration(String(written));
      return ms !== null && ms >= min ? ms : undefined;
    },
  };
}

export function address(): Field<string> {
  return {
    schema: Type.String({ maxLength: 300 }),
    expected: 'an address with a port, such as 127.0.0.1:7447 or [::1]:7447',
    read: (written) => {
      try {
        parseAddress(String(written));
        return String(written);
      } catch {
        return undefined;
      }
    },
  };
}

export function url(): Field<string> {
  return {
    schema: Type.String({ maxLength: 2000 }),
    expected: 'a URL that begins with http:// or https://',
    read: (written) => {
      const parsed = URL.canParse(String(written)) ? new URL(String(written)) : null;
      return parsed && /^https?:$/.test(parsed.protocol) ? String(written).replace(/\/+$/, '') : undefined;
    },
  };
}

export function shardList(): Field<readonly number[]> {
  return {
    // The reader checks all of it: a schema looks at every item of a list before it counts them.
    schema: Type.Unknown(),
    expected: `shards such as "0-15,20" or [0, 1, 2], ${MAX_SHARDS} at most`,
    read: (written) => parseShardList(written) ?? undefined,
  };
}

/** A list of texts; as one text, its parts stand between commas. */
export function textList(expected: string): Field<readonly string[]> {
  return {
    schema: Type.Union([
      Type.String({ minLength: 1, maxLength: 10_000 }),
      Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { minItems: 1, maxItems: 1000 }),
    ]),
    expected,
    read: (written) =>
      Array.isArray(written)
        ? written.map(String)
        : String(written)
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== ''),
  };
}

/** Names with texts, such as environment variables. Numbers and truth values become text. */
export function textMap(expected: string): Field<Readonly<Record<string, string>>> {
  return {
    schema: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    expected,
    read: (written) =>
      Object.fromEntries(Object.entries(Object(written)).map(([name, value]) => [name, String(value)])),
  };
}

/** What `field` takes, or nothing at all (`null`, `none`), or a word that means nothing (`auto`). */
export function orNull<T>(field: Field<T>, word: string): Field<T | null> {
  return {
    schema: Type.Union([Type.Null(), field.schema, Type.Literal(word)]),
    expected: `${field.expected}, or ${word}`,
    read: (written) => (written === null || written === word ? null : readField(field, written)),
  };
}
