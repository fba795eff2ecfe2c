/**
 * Lists, page by page. A cursor names the last thing of its page and not a position, so that what comes and goes
 * between two pages makes nothing appear twice, and nothing be left out that was there all the time.
 */
import { matcherOf, parseQuery, type QueryFields, type Refusal } from '@dshard/api';
import { failed, type Reply } from './answers.js';

export type Asked = { query: string | null; limit: number; cursor: string | null };

type Page<Row> = { total: number; next: string | null; rows: readonly Row[] };

export type Listed<Row> = { ok: true; page: Page<Row> } | { ok: false; refused: Reply<Refusal> };

/** How a list is in order. */
type Order<Row, Key> = {
  /** A cursor says of which list it is: that of another one is none. */
  list: string;
  keyOf(this: void, row: Row): Key;
  isAfter(this: void, key: Key, last: string): boolean;
  /** Whether it may be a key of this list. */
  isKey(this: void, text: string): boolean;
};

/** @param rows in the order of their keys. */
export function listed<Row, Key extends string | number>(
  rows: Iterable<Row>,
  { query, limit, cursor }: Asked,
  how: Order<Row, Key> & { fields: QueryFields<Row> },
): Listed<Row> {
  const parsed = parseQuery(query ?? '', how.fields);
  if (!parsed.ok) return { ok: false, refused: failed('DSO_QUERY_INVALID', parsed.problem, { query }) };
  const isAskedFor = matcherOf(parsed.query, how.fields);
  return pageOf([...rows].filter(isAskedFor), { limit, cursor }, how);
}

/** @param all in the order of their keys. */
export function pageOf<Row, Key extends string | number>(
  all: readonly Row[],
  { limit, cursor }: Pick<Asked, 'limit' | 'cursor'>,
  { list, keyOf, isAfter, isKey }: Order<Row, Key>,
): Listed<Row> {
  const last = cursor === null ? null : keyIn(cursor, list);
  if (cursor !== null && (last === null || !isKey(last))) return { ok: false, refused: notACursor(list) };
  const from = last === null ? 0 : all.findIndex((row) => isAfter(keyOf(row), last));
  const rows = from === -1 ? [] : all.slice(from, from + limit);
  const end = rows.at(-1);
  const isMore = from !== -1 && from + limit < all.length;
  const next = isMore && end !== undefined ? cursorOf(String(keyOf(end)), list) : null;
  return { ok: true, page: { total: all.length, next, rows } };
}

export function isWholeNumber(text: string): boolean {
  return /^\d{1,15}$/.test(text);
}

function cursorOf(key: string, list: string): string {
  return Buffer.from(`${list} ${key}`).toString('base64url');
}

/** null: it is none of this list. */
function keyIn(cursor: string, list: string): string | null {
  const text = Buffer.from(cursor, 'base64url').toString();
  const key = text.startsWith(`${list} `) ? text.slice(list.length + 1) : '';
  return key !== '' && cursorOf(key, list) === cursor ? key : null;
}

function notACursor(list: string): Reply<Refusal> {
  const wayOut = 'Send the "next" of the page before as it was, or none for the first page';
  const message = `The parameter "cursor" is none of the list of ${list}. ${wayOut}.`;
  return failed('DSO_PARAMETER_INVALID', message, { parameters: ['cursor'] });
}
