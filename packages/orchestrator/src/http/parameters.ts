/**
 * Reads the parameters of a request. They may stand in the body (form or JSON) or in the query, as the ancestor
 * allowed; the body wins, and what stands in the path wins over both. Values are never guessed: `null`, lists and truth
 * values are not numbers. Parameters nobody asked for are ignored, as the ancestor ignored them, unless they look like
 * a misspelling of one that exists: `shutdwon=false` must not shut a node down.
 */
import { describeValue, type Parameters } from '@dshard/api';
import { nearest } from '@dshard/protocol';

/** So many unknown names are compared with ours: a body has room for tens of thousands. */
const MAX_HINTS = 20;

export type ParametersRead<T> =
  { ok: true; values: T } | { ok: false; message: string; /** Those that are wrong. */ parameters: readonly string[] };

export function readParameters<T extends object>(
  parameters: Parameters<T>,
  query: unknown,
  body: unknown,
  path: unknown = {},
): ParametersRead<T> {
  if (body !== null && body !== undefined && (typeof body !== 'object' || Array.isArray(body))) {
    const message = `The body must be a form or a JSON object, not ${describeValue(body)}.`;
    return { ok: false, message, parameters: [] };
  }
  const given = new Map([query, body, path].flatMap((source) => Object.entries<unknown>(Object(source))));
  const values: Partial<T> = {};
  const problems: string[] = [];
  const wrong: string[] = [];
  const names = Object.keys(parameters) as (keyof T & string)[];
  for (const name of names) {
    const { field, fallback } = parameters[name];
    if (!given.has(name)) {
      if (fallback === undefined) {
        wrong.push(name);
        problems.push(`The parameter "${name}" is missing: expected ${field.expected}.`);
      } else values[name] = fallback;
      continue;
    }
    const value = field.read(given.get(name));
    if (value === undefined) {
      wrong.push(name);
      problems.push(`The parameter "${name}" must be ${field.expected}, not ${describeValue(given.get(name))}.`);
    } else values[name] = value;
  }
  const unknown = [...given.keys()].filter((name) => !names.includes(name as keyof T & string));
  for (const name of unknown.slice(0, MAX_HINTS)) {
    const meant = nearest(name, names);
    if (meant !== null) problems.push(`There is no parameter ${describeValue(name)}: did you mean "${meant}"?`);
  }
  return problems.length === 0
    ? { ok: true, values: values as T }
    : { ok: false, message: problems.join(' '), parameters: wrong };
}
