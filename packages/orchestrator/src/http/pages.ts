/**
 * Lists, page by page. A cursor names the last thing of its page and not a position, so that what comes and goes
 * between two pages makes nothing appear twice, and nothing be left out that was there all the time.
 */
import { matcherOf, parseQuery, type QueryFields, type Refusal } from '@dshard/api';
import { failed, type Reply } from './answers.js';

export type Asked = { query: string | null; limit: number; cursor: string | null };

export type Page<Row> = { total: number; next: string | null; rows: readonly Row[] };

export type Listed<Row> = { ok: true; page: Page<Row> } | { ok: false; refused: Reply<Refusal> };

/** @param rows in the order of their keys. */
export function listed<Row, Key extends string | number>(
  rows: Iterable<Row>,
  { query, limit, cursor }: Asked,
  how: {
    fields: QueryFields<Row>;
    keyOf(this: void, row: Row): Key;
    isAfter(this: void, key: Key, last: string): boolean;
  },
): Listed<Row> {
  const parsed = parseQuery(query ?? '', how.fields);
  if (!parsed.ok) return { ok: false, refused: failed('DSO_QUERY_INVALID', parsed.problem, { query }) };
  const isAskedFor = matcherOf(parsed.query, how.fields);
  return { ok: true, page: pageOf([...rows].filter(isAskedFor), { limit, cursor }, how) };
}

/** @param all in the order of their keys. */
export function pageOf<Row, Key extends string | number>(
  all: readonly Row[],
  { limit, cursor }: Pick<Asked, 'limit' | 'cursor'>,
  { keyOf, isAfter }: { keyOf(this: void, row: Row): Key; isAfter(this: void, key: Key, last: string): boolean },
): Page<Row> {
  const last = cursor === null ? null : Buffer.from(cursor, 'base64url').toString();
  const from = last === null ? 0 : all.findIndex((row) => isAfter(keyOf(row), last));
  const rows = from === -1 ? [] : all.slice(from, from + limit);
  const end = rows.at(-1);
  const isMore = from !== -1 && from + limit < all.length;
  return {
    total: all.length,
    next: isMore && end !== undefined ? Buffer.from(String(keyOf(end))).toString('base64url') : null,
    rows,
  };
}
