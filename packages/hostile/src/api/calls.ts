/** Requests made from the OpenAPI document: each path with each method, right and wrong parameters, and any body. */
import type { JsonSchema } from '@dshard/api';
import type { Dice } from '../input/dice.js';

type DescribedCall = {
  readonly method: string;
  /** As the document has it: `/v1/nodes/{node}`. */
  readonly template: string;
  /** undefined: the document has no such method for the path. */
  readonly operation: DescribedOperation | undefined;
};

type DescribedOperation = {
  readonly 'x-role': 'none' | 'read' | 'operate' | 'admin';
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: JsonSchema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
};

export type ApiDocument = { readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>> };

export type ApiCall = DescribedCall & {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

const METHODS = ['get', 'post', 'put', 'delete', 'patch', 'options', 'head'] as const;
/** Waiting is bounded by what is asked for: nobody here has a minute. */
const SPANS: ReadonlySet<string> = new Set(['timeout', 'deadline']);

export function callFrom(document: ApiDocument, dice: Dice): ApiCall {
  const template = dice.pick(Object.keys(document.paths));
  const described = document.paths[template] ?? {};
  const method = dice.chance(0.9) ? dice.pick(Object.keys(described)) : dice.pick(METHODS);
  const operation = described[method];
  const parameters = operation?.parameters ?? [];
  const inQuery = new URLSearchParams();
  for (const { name, schema } of parameters.filter((each) => each.in === 'query')) {
    if (dice.chance(0.7)) inQuery.append(name, textFor(name, schema, dice));
    if (dice.chance(0.03)) inQuery.append(name, textFor(name, schema, dice));
  }
  if (dice.chance(0.1)) inQuery.append(dice.text().slice(0, 40), dice.text().slice(0, 400));
  const filled = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const schema = parameters.find((each) => each.name === name)?.schema ?? {};
    return inPath(textFor(name, schema, dice)) || 'x';
  });
  const { body, type } = bodyFor(operation, dice);
  const written = inQuery.toString();
  return {
    method: method.toUpperCase(),
    template,
    operation,
    path: `${filled}${written === '' ? '' : `?${written}`}`,
    body,
    headers: {
      ...(body !== '' && { 'content-type': type }),
      ...headersFor(parameters, dice),
    },
  };
}

function headersFor(parameters: DescribedOperation['parameters'], dice: Dice): Record<string, string> {
  const own = parameters.filter((each) => each.in === 'header' && dice.chance(0.5)).map(({ name }) => name);
  const others = ['x-requested-by', 'accept', 'if-match', 'idempotency-key', 'last-event-id', 'x-forwarded-proto'];
  const all = [...own, ...others.filter(() => dice.chance(0.05))];
  return Object.fromEntries(
    all.map((name) => [
      name.toLowerCase(),
      dice
        .text()
        .replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '')
        .slice(0, 500),
    ]),
  );
}

function bodyFor(operation: DescribedOperation | undefined, dice: Dice): { body: string; type: string } {
  const form = 'application/x-www-form-urlencoded';
  const schema = operation?.requestBody?.content[form]?.schema;
  if (schema === undefined || dice.chance(0.1)) {
    const type = dice.pick([
      form,
      'application/json',
      'text/plain',
      'multipart/form-data',
      dice.text().replaceAll(/[^\x20-\x7e]/g, ''),
    ]);
    return { body: dice.chance(0.5) ? '' : JSON.stringify(dice.value()), type: type === '' ? form : type };
  }
  const one = Array.isArray(schema['oneOf']) ? dice.pick(schema['oneOf'] as readonly JsonSchema[]) : schema;
  const properties = Object.entries((one['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>);
  const values = properties
    .filter(() => dice.chance(0.9))
    .map(([name, each]) => [name, textFor(name, each, dice)] as const);
  if (dice.chance(0.5)) return { body: new URLSearchParams(Object.fromEntries(values)).toString(), type: form };
  const asJson = Object.fromEntries(values.map(([name, value]) => [name, dice.chance(0.2) ? dice.value() : value]));
  return { body: JSON.stringify(asJson), type: 'application/json' };
}

/** What the schema allows, three times of four, as a text of a form. */
function textFor(name: string, schema: JsonSchema, dice: Dice): string {
  if (SPANS.has(name)) return dice.pick(['1ms', '20ms', '0', '-1', 'soon', '5x']);
  if (dice.chance(0.25)) return dice.chance(0.5) ? dice.text() : String(dice.number());
  const known = allowed(schema, dice);
  return known === null ? dice.pick(['node-1', 'a', '1', '0-3', 'true', 'none', 'host-1', 'r1']) : String(known);
}

function allowed(schema: JsonSchema, dice: Dice): string | number | boolean | null {
  if ('const' in schema) return String(schema['const']);
  if (Array.isArray(schema['enum'])) return String(dice.pick(schema['enum'] as readonly unknown[]));
  for (const combined of ['anyOf', 'oneOf']) {
    const several = schema[combined];
    if (Array.isArray(several)) return allowed(dice.pick(several as readonly JsonSchema[]), dice);
  }
  const type = Array.isArray(schema['type']) ? dice.pick(schema['type'] as readonly unknown[]) : schema['type'];
  if (type === 'boolean') return dice.chance(0.5);
  if (type !== 'integer' && type !== 'number') return null;
  const least = typeof schema['minimum'] === 'number' ? schema['minimum'] : 0;
  const most = typeof schema['maximum'] === 'number' ? schema['maximum'] : 1_000;
  return dice.pick([least, most, least + dice.below(Math.max(1, Math.min(most - least, 16)))]);
}

/** A path segment: whatever it says, it stays one. */
function inPath(text: string): string {
  const encoded = encodeURIComponent(text.slice(0, 100).replaceAll(/\p{Cs}/gu, '?'));
  return encoded === '.' || encoded === '..' ? `${encoded}x` : encoded;
}
