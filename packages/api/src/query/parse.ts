/**
 * The query grammar of lists: `state:resuming node:web-* gap>500ms`. One parser for REST, the command line and pages.
 *
 *     query  = term { blank term }              all of them have to hold
 *     term   = [ "-" ] field op value           "-": it must not hold
 *     term   = text                             the name of the thing begins so (`web-*` and the like)
 *     op     = ":" | "=" | ">" | ">=" | "<" | "<="
 *     value  = part { "," part } | quoted       one of them; `*` stands for any text; "quotes" keep blanks and commas
 *
 * What a field takes is its kind: a text (`node:web-*`), a word of a list (`state:up`), a number (`guilds>1000`, with
 * k, M, G for bytes), a time (`gap>500ms`), shards (`id:0-15,20`). Never throws; a problem names the place and the way
 * out.
 */
import { nearest } from '@dshard/protocol';
import { duration } from '../values/field.js';
import { parseShardList } from '../values/shard-list.js';

export type QueryOperator = ':' | '>' | '>=' | '<' | '<=';

export type QueryField<Row> =
  | { readonly kind: 'text'; readonly about: string; of(row: Row): string | readonly string[] | null }
  | {
      readonly kind: 'word';
      readonly about: string;
      readonly words: readonly string[];
      of(row: Row): readonly string[];
    }
  | { readonly kind: 'number' | 'bytes' | 'time'; readonly about: string; of(row: Row): number | null }
  | { readonly kind: 'shards'; readonly about: string; of(row: Row): number | readonly number[] | null };

export type QueryFields<Row> = {
  readonly fields: { readonly [name: string]: QueryField<Row> };
  /** Which field a word without one is about. */
  readonly named: string;
};

export type Term = {
  readonly field: string;
  readonly operator: QueryOperator;
  readonly negated: boolean;
  readonly value:
    | { readonly kind: 'texts'; readonly patterns: readonly string[] }
    | { readonly kind: 'number'; readonly number: number }
    | { readonly kind: 'shards'; readonly shards: readonly number[] };
};

export type Query = readonly Term[];
export type QueryParsed =
  { readonly ok: true; readonly query: Query } | { readonly ok: false; readonly problem: string };

export const MAX_QUERY_LENGTH = 1_000;
const MAX_TERMS = 32;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, kb: 1e3, mb: 1e6, gb: 1e9, b: 1 };

export function parseQuery<Row>(text: string, known: QueryFields<Row>): QueryParsed {
  if (text.length > MAX_QUERY_LENGTH) return problem(`A query has ${MAX_QUERY_LENGTH} characters at most.`);
  const pieces = piecesOf(text);
  if (pieces === null) return problem('A quote (") is opened and not closed.');
  if (pieces.length > MAX_TERMS) return problem(`A query has ${MAX_TERMS} terms at most.`);
  const query: Term[] = [];
  for (const piece of pieces) {
    const term = termOf(piece, known);
    if (typeof term === 'string') return problem(term);
    query.push(term);
  }
  return { ok: true, query };
}

function problem(text: string): QueryParsed {
  return { ok: false, problem: text };
}

/** Between blanks that stand in no quotes. null: a quote stays open. */
function piecesOf(text: string): string[] | null {
  const pieces: string[] = [];
  let piece = '';
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    if (!/\s/.test(character) || isQuoted) piece += character;
    else if (piece !== '') {
      pieces.push(piece);
      piece = '';
    }
  }
  if (isQuoted) return null;
  return piece === '' ? pieces : [...pieces, piece];
}

/** A sentence where there is a problem. */
function termOf<Row>(piece: string, known: QueryFields<Row>): Term | string {
  const parts = /^(-?)([A-Za-z][A-Za-z]*)(:|>=|<=|=|>|<)(.*)$/s.exec(piece);
  if (parts === null) return bareTerm(piece, known);
  const [, minus = '', field = '', written = '', value = ''] = parts;
  const names = Object.keys(known.fields);
  const entry = Object.hasOwn(known.fields, field) ? known.fields[field] : undefined;
  if (entry === undefined) {
    const meant = nearest(field, names);
    const hint = meant === null ? `There are ${names.join(', ')}.` : `Did you mean "${meant}"?`;
    return `There is no field "${field}" here. ${hint}`;
  }
  const operator = (written === '=' ? ':' : written) as QueryOperator;
  if (value === '') return `"${piece}" has no value: ${exampleOf(field, entry)}.`;
  const read = valueOf(field, entry, operator, value);
  return typeof read === 'string' ? read : { field, operator, negated: minus === '-', value: read };
}

function bareTerm<Row>(piece: string, { named, fields }: QueryFields<Row>): Term | string {
  const negated = piece.startsWith('-') && piece.length > 1;
  const text = unquoted(negated ? piece.slice(1) : piece);
  if (fields[named]?.kind === 'shards') {
    const shards = parseShardList(text);
    if (shards !== null) return { field: named, operator: ':', negated, value: { kind: 'shards', shards } };
    return `"${piece}" is neither a list of shards nor field:value, such as state:up.`;
  }
  return { field: named, operator: ':', negated, value: { kind: 'texts', patterns: [text] } };
}

function valueOf<Row>(
  field: string,
  entry: QueryField<Row>,
  operator: QueryOperator,
  value: string,
): Term['value'] | string {
  if (entry.kind === 'text' || entry.kind === 'word') {
    if (operator !== ':') return `"${field}" is no number, so it cannot be compared: ${exampleOf(field, entry)}.`;
    const patterns = value.startsWith('"') ? [unquoted(value)] : value.split(',').map(unquoted);
    const unknown = entry.kind === 'word' ? patterns.find((each) => !fits(each, entry.words)) : undefined;
    if (entry.kind === 'word' && unknown !== undefined) {
      const meant = nearest(unknown, entry.words);
      const hint = meant === null ? `There are ${entry.words.join(', ')}.` : `Did you mean "${meant}"?`;
      return `"${unknown}" is no ${field}. ${hint}`;
    }
    return { kind: 'texts', patterns };
  }
  if (entry.kind === 'shards' && operator === ':') {
    const shards = parseShardList(value);
    return shards === null
      ? `"${value}" is no list of shards: ${exampleOf(field, entry)}.`
      : { kind: 'shards', shards };
  }
  const number = entry.kind === 'time' ? duration().read(value) : numberOf(value, entry.kind === 'bytes');
  return number === undefined
    ? `"${value}" is no ${NUMBERS[entry.kind]}: ${exampleOf(field, entry)}.`
    : { kind: 'number', number };
}

const NUMBERS = { time: 'time', bytes: 'size', number: 'number', shards: 'number' } as const;

function fits(pattern: string, words: readonly string[]): boolean {
  return words.some((word) => matchesPattern(pattern, word));
}

function numberOf(written: string, hasUnit: boolean): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)([a-z]{0,2})$/i.exec(written);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? 'none'];
  if (match === null || unit === undefined || (!hasUnit && match[2] !== '')) return undefined;
  return Number(match[1]) * unit;
}

function unquoted(text: string): string {
  return text.replaceAll('"', '');
}

function exampleOf<Row>(field: string, entry: QueryField<Row>): string {
  switch (entry.kind) {
    case 'text':
      return `write ${field}:text, with * for any text`;
    case 'word':
      return `write ${field}:${entry.words[0] ?? 'word'}`;
    case 'time':
      return `write ${field}>500ms`;
    case 'bytes':
      return `write ${field}>500MB`;
    case 'number':
      return `write ${field}>10`;
    case 'shards':
      return `write ${field}:0-15,20`;
  }
}

/** `*` stands for any text; case does not matter. Linear: no pattern of a stranger takes long. */
export function matchesPattern(pattern: string, text: string): boolean {
  const parts = pattern.toLowerCase().split('*');
  const whole = text.toLowerCase();
  const [first = '', ...others] = parts;
  const last = others.pop();
  if (last === undefined) return whole === first;
  if (!whole.startsWith(first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = whole.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return whole.length - last.length >= at && whole.endsWith(last);
}
