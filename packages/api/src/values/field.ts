/**
 * One thing a person can write (a configuration key, a parameter of a request): what it takes, in words, and how what
 * was written becomes what is used. Text is accepted wherever a number or a truth value is, because the environment,
 * flags and forms know nothing else.
 */
import { inspect } from 'node:util';
import { isPrintable, MAX_SHARDS, parseWholeNumber, printable, printableJson } from '@dshard/protocol';
import { parseAddress } from '@dshard/transport';
import { parseShardList } from './shard-list.js';

/** JSON Schema of 2020-12, as OpenAPI 3.1 has it. */
export type JsonSchema = { readonly [keyword: string]: unknown };

export type Field<T> = {
  /** Completes "expected …". */
  expected: string;
  /** What it takes as JSON, in JSON Schema: for the OpenAPI document. A form has the same as text. */
  schema: JsonSchema;
  /** `undefined` when what was written is not what the field takes. Never throws, whatever was written. */
  read(written: unknown): T | undefined;
};

/** Tokens, keys, passwords that a program made: long, without blanks, of letters and digits. */
const LIKE_A_SECRET = /(?=[\w+=~-]*\d)(?=[\w+=~-]*[A-Za-z])[\w+=~-]{16,}/g;

/** Somebody writes a token under the wrong key: a complaint about the key does not show the token. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(LIKE_A_SECRET, '(not shown: it may be a secret)');
}

/** So much of a text is looked at for a sentence about it. */
const LOOKED_AT = 200;
const SHOWN_CHARACTERS = 60;

/**
 * What was found, for a sentence that says so. Long texts are cut; `secret` ones, and what looks like one, are not
 * shown.
 */
export function describeValue(value: unknown, secret = false): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a section';
  if (secret) return `a ${typeof value}`;
  const whole = typeof value === 'string' ? printableJson(value.slice(0, LOOKED_AT)) : printable(inspect(value));
  const shown = withoutSecrets(whole);
  return shown.length > SHOWN_CHARACTERS ? `${shown.slice(0, SHOWN_CHARACTERS - 3)}…` : shown;
}

export function wholeNumber(range: { min: number; max?: number }): Field<number> {
  const { min, max = Number.MAX_SAFE_INTEGER } = range;
  const bounds = range.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    expected: `a whole number ${bounds}`,
    schema: { type: 'integer', minimum: min, ...(range.max !== undefined && { maximum: range.max }) },
    read: (written) => parseWholeNumber(written, { min, max }),
  };
}

/** So many, or a share of all. */
export function countOrShare(): Field<{ count: number } | { percent: number }> {
  const counts = wholeNumber({ min: 1, max: 999_999_999 });
  const percents = wholeNumber({ min: 1, max: 100 });
  return {
    expected: 'a number of at least 1, or a share such as 25%',
    schema: { anyOf: [counts.schema, { type: 'string', pattern: String.raw`^(?:\d{1,2}|100)%$` }] },
    read(written) {
      if (typeof written === 'string' && written.endsWith('%')) {
        const percent = percents.read(written.slice(0, -1));
        return percent === undefined ? undefined : { percent };
      }
      const count = counts.read(written);
      return count === undefined ? undefined : { count };
    },
  };
}

export function flag(): Field<boolean> {
  return {
    expected: 'true or false',
    schema: { type: 'boolean' },
    read(written) {
      if (written === true || written === 'true') return true;
      return written === false || written === 'false' ? false : undefined;
    },
  };
}

export function text(options: { expected?: string; pattern?: RegExp; maxLength?: number } = {}): Field<string> {
  const { expected = 'a text', pattern, maxLength = 4096 } = options;
  return {
    expected,
    schema: { type: 'string', minLength: 1, maxLength, ...(pattern && { pattern: pattern.source }) },
    read: (written) => (isText(written, maxLength) && (pattern?.test(written) ?? true) ? written : undefined),
  };
}

export function choice<const T extends string>(...choices: readonly T[]): Field<T> {
  return {
    expected: `one of ${choices.join(', ')}`,
    schema: { type: 'string', enum: choices },
    read: (written) => choices.find((each) => each === written),
  };
}

/** Milliseconds. `min` is what it must last at least. */
export function duration(options: { min?: number; max?: number; expected?: string } = {}): Field<number> {
  const { min = 0, max = MAX_DURATION_MS } = options;
  const usual = `a time such as "10s", "250ms", "2m" or a number of milliseconds${min > 0 ? `, at least ${min} ms` : ''}`;
  return {
    expected: options.expected ?? usual,
    schema: {
      anyOf: [
        { type: 'number', minimum: min, maximum: max },
        { type: 'string', maxLength: 40 },
      ],
      examples: ['10s'],
    },
    read(written) {
      const ms =
        typeof written === 'number' ? Math.round(written) : isText(written, 40) ? parseDuration(written) : null;
      return ms !== null && ms >= min && ms <= max ? ms : undefined;
    },
  };
}

export function address(): Field<string> {
  return {
    expected: 'an address with a port, such as 127.0.0.1:7447 or [::1]:7447',
    schema: { type: 'string', maxLength: 300 },
    read(written) {
      if (!isText(written, 300)) return undefined;
      try {
        parseAddress(written);
        return written;
      } catch {
        return undefined;
      }
    },
  };
}

export function url(): Field<string> {
  return {
    expected: 'a URL that begins with http:// or https://',
    schema: { type: 'string', pattern: '^https?://', maxLength: 2000 },
    read(written) {
      const parsed = isText(written, 2000) && URL.canParse(written) ? new URL(written) : null;
      return parsed && /^https?:$/.test(parsed.protocol) ? String(written).replace(/\/+$/, '') : undefined;
    },
  };
}

/** A URL of PostgreSQL; it may name several hosts. */
export function postgresUrl(): Field<string> {
  return text({
    expected: 'a URL such as postgres://user:password@host:5432/database',
    pattern: /^postgres(?:ql)?:\/\/[^\s]+$/,
    maxLength: 2000,
  });
}

/** JSON as text: what reads it later can rely on that it is. */
export function jsonText({ maxLength }: { maxLength: number }): Field<string> {
  return {
    expected: 'JSON, such as {"guild":"123"}',
    schema: { type: 'string', contentMediaType: 'application/json', maxLength },
    read(written) {
      if (!isText(written, maxLength)) return undefined;
      try {
        JSON.parse(written);
        return written;
      } catch {
        return undefined;
      }
    },
  };
}

export function shardList(): Field<readonly number[]> {
  return {
    expected: `shards such as "0-15,20" or [0, 1, 2], ${MAX_SHARDS} at most`,
    schema: {
      anyOf: [
        { type: 'string', maxLength: 100_000 },
        { type: 'array', items: { type: 'integer', minimum: 0, maximum: MAX_SHARDS - 1 } },
      ],
      examples: ['0-15,20'],
    },
    read: (written) => parseShardList(written) ?? undefined,
  };
}

/** A list of texts; as one text, its parts stand between commas. */
export function textList(expected: string): Field<readonly string[]> {
  const part = text();
  return {
    expected,
    schema: orList({ type: 'string', maxLength: 10_000 }, part.schema),
    read(written) {
      if (isText(written, 10_000)) return written.split(',').flatMap((each) => part.read(each.trim()) ?? []);
      if (!Array.isArray(written) || written.length === 0 || written.length > 1000) return undefined;
      const parts = written.map((each) => part.read(each));
      return parts.every((each) => each !== undefined) ? parts : undefined;
    },
  };
}

/** Names with texts, such as environment variables. Numbers and truth values become text. */
export function textMap(expected: string): Field<Readonly<Record<string, string>>> {
  return {
    expected,
    schema: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
    read(written) {
      if (typeof written !== 'object' || written === null || Array.isArray(written)) return undefined;
      const entries: [name: string, value: unknown][] = Object.entries(written);
      if (!entries.every(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))) return undefined;
      return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
    },
  };
}

/** What `field` takes, or nothing at all (`null`, `none`), or a word that means nothing (`auto`). */
/** A value, or a word that stands for what the program finds out. */
export function orWord<T, W extends string>(field: Field<T>, word: W): Field<T | W> {
  return {
    expected: `${field.expected}, or ${word}`,
    schema: { anyOf: [field.schema, { const: word }] },
    read: (written) => (written === word ? word : field.read(written)),
  };
}

export function orNull<T>(field: Field<T>, word: string): Field<T | null> {
  return {
    expected: `${field.expected}, or ${word}`,
    schema: { anyOf: [field.schema, { const: word }, { type: 'null' }] },
    read: (written) => (written === null || written === word ? null : field.read(written)),
  };
}

function orList(schema: JsonSchema, items: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'array', items, minItems: 1, maxItems: 1000 }] };
}

function isText(written: unknown, maxLength: number): written is string {
  return typeof written === 'string' && written.length > 0 && written.length <= maxLength;
}

/** The protocol's bound on node ids. */
export function nodeId(): Field<string> {
  return printableText({ expected: 'the id of a node', maxLength: 128 });
}

/** As nodes name theirs (`DSO_HOST`). */
export function hostName(): Field<string> {
  return printableText({ expected: 'the name of a host', maxLength: 255 });
}

/** Nodes, as a list, as a list in JSON, or with commas between them. Each once. */
export function nodeList(): Field<readonly string[]> {
  const node = nodeId();
  return {
    expected: 'the ids of nodes, such as web-1,web-2',
    schema: orList({ type: 'string', maxLength: 200_000 }, node.schema),
    read(written) {
      const listed = typeof written === 'string' ? listIn(written) : written;
      if (!Array.isArray(listed) || listed.length === 0 || listed.length > 1000) return undefined;
      const nodes = listed.map((each) => node.read(each));
      return nodes.every((each) => each !== undefined) ? [...new Set(nodes)] : undefined;
    },
  };
}

function listIn(written: string): unknown {
  if (!isText(written, 200_000)) return undefined;
  try {
    return written.startsWith('[') ? JSON.parse(written) : written.split(',').map((each) => each.trim());
  } catch {
    return undefined;
  }
}

/** What is repeated in answers and in the history. */
export function printableText(options: { expected: string; pattern?: RegExp; maxLength: number }): Field<string> {
  const any = text(options);
  return {
    expected: options.expected,
    schema: any.schema,
    read: (written) => (typeof written === 'string' && isPrintable(written) ? any.read(written) : undefined),
  };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The longest time a timer here may run (24 days: what fits Node's 32-bit timers). */
const MAX_DURATION_MS = 2_000_000_000;

/** `250`, `250ms`, `1.5s`, `2m`, `1h` or `1d` in milliseconds, or null: it is no duration. */
function parseDuration(text: string): number | null {
  const match = /^(\d{1,10}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)?$/.exec(text.trim());
  if (!match) return null;
  return Math.round(Number(match[1]) * (UNITS[match[2] ?? 'ms'] ?? 1));
}
