/** Whether a thing of a list is what a query asks for. */
import {
  matchesPattern,
  type Query,
  type QueryField,
  type QueryFields,
  type QueryOperator,
  type Term,
} from './parse.js';

/** A test of one thing; what can be prepared is prepared once. What a thing does not say holds for no term. */
export function matcherOf<Row>(query: Query, { fields }: QueryFields<Row>): (row: Row) => boolean {
  const tests = query.flatMap((term) => {
    const entry = fields[term.field];
    if (entry === undefined) return [];
    const test = testOf(term, entry);
    return [term.negated ? (row: Row) => !test(row) : test];
  });
  return (row) => tests.every((test) => test(row));
}

function testOf<Row>({ value, operator }: Term, entry: QueryField<Row>): (row: Row) => boolean {
  if (value.kind === 'texts') {
    return (row) => {
      const found = entry.of(row);
      const texts = Array.isArray(found) ? (found as readonly string[]) : [String(found ?? '')];
      return value.patterns.some((pattern) => texts.some((each) => matchesPattern(pattern, each)));
    };
  }
  if (value.kind === 'shards') {
    const shards = new Set(value.shards);
    return (row) => {
      const found = entry.of(row);
      return Array.isArray(found)
        ? (found as readonly number[]).some((id) => shards.has(id))
        : shards.has(Number(found));
    };
  }
  return (row) => {
    const found = entry.of(row);
    return typeof found === 'number' && compares(found, operator, value.number);
  };
}

function compares(found: number, operator: QueryOperator, number: number): boolean {
  switch (operator) {
    case ':':
      return found === number;
    case '>':
      return found > number;
    case '>=':
      return found >= number;
    case '<':
      return found < number;
    case '<=':
      return found <= number;
  }
}
