/** A query that is written, and what it finds. A query that cannot be read hides nothing: its problem is told. */
import { matcherOf, parseQuery, type QueryFields } from '@dshard/api';

export type Filter<Row> = {
  /** null: everything is asked for. */
  readonly matches: ((row: Row) => boolean) | null;
  readonly problem: string | null;
};

export function filterOf<Row>(text: string, fields: QueryFields<Row>): Filter<Row> {
  const parsed = parseQuery(text.trim(), fields);
  if (!parsed.ok) return { matches: null, problem: parsed.problem };
  return { matches: parsed.query.length === 0 ? null : matcherOf(parsed.query, fields), problem: null };
}
