/**
 * The contract as an OpenAPI 3.1 document. Parameters come from the fields of the contract, answers from the types of
 * this package (`answer-schemas.ts`, which `npm run docs` writes), so nothing is said twice.
 */
import { CONTRACT, ENDPOINT_NAMES } from '../contract/contract.js';
import type { EndpointName } from '../contract/documents.js';
import type { AnyEndpoint, Parameter } from '../endpoint.js';
import { KINDS_OF_OPERATIONS, OPERATION_KINDS } from '../operations.js';
import type { JsonSchema } from '../values/field.js';
import { ANSWER_SCHEMAS, ANSWERS } from './answer-schemas.js';

type AnyParameters = Readonly<Record<string, Parameter<unknown>>>;

const REFUSALS: Readonly<Record<string, string>> = {
  '400': 'A parameter, the body or the query is wrong.',
  '401': 'There is no token, or the token is none of this orchestrator.',
  '403': 'The token has not the role that this needs, or a web page of another site asks.',
  '404': 'There is no such thing.',
  '409': 'Not now: the message says what is in the way.',
  '412': 'What was to be changed is not any more what If-Match says.',
  '413': 'The body is too large.',
  '415': 'The body is neither a form nor JSON.',
  '429': 'Too many wrong tokens came from this address: Retry-After says how long to wait.',
  '500': 'The fleet could not do what was asked; the message says why.',
  '503': 'The orchestrator is starting, or its store cannot be written.',
};

/** Of answers that are no JSON. */
const TYPES: { readonly [Name in EndpointName]?: string } = { docs: 'text/html', metrics: 'text/plain' };

/** @param version the orchestrator's. */
export function openApiDocument(version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const name of ENDPOINT_NAMES) {
    const { path, alsoAt, method } = CONTRACT[name];
    for (const each of alsoAt === undefined ? [path] : [path, alsoAt]) {
      const place = (paths[each.replaceAll(/:(\w+)/g, '{$1}')] ??= {});
      place[method.toLowerCase()] = operationOf(name, each === path ? name : `${name}AlsoAt`);
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'dshardorchestrator',
      version,
      description: 'The REST interface of an orchestrator. Fields are only ever added to answers.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The configured token (admin), or an API token with a role: `dso token create`.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'dso_session',
          description: 'Of a page that has logged in; what changes something also needs `X-Dso-Csrf` and an `Origin`.',
        },
      },
      responses: { Refused: refused('Why it was not done: `code` says what kind of fault it is.') },
      schemas: ANSWER_SCHEMAS,
    },
  };
}

function operationOf(name: EndpointName, operationId: string): JsonSchema {
  const endpoint: AnyEndpoint = CONTRACT[name];
  const { about, role, ancestor = false, path, once = false, streams, edits, method } = endpoint;
  const inPath = new Set([...path.matchAll(/:(\w+)/g)].map(([, parameter = '']) => parameter));
  const all = Object.entries(endpoint.parameters as AnyParameters);
  const placed = all
    .filter(([parameter]) => method === 'GET' || inPath.has(parameter))
    .map(([parameter, given]) => parameterOf(parameter, given, inPath.has(parameter) ? 'path' : 'query'));
  const headers = [
    ...(once ? [headerOf('Idempotency-Key', 'The same key again begins nothing: the answer is that of before.')] : []),
    ...(edits === undefined ? [] : [headerOf('If-Match', `The ETag of the ${edits.thing}: it must still be so.`)]),
    ...(streams === true ? [headerOf('Last-Event-ID', 'Of a stream: the last event that was seen.')] : []),
  ];
  return {
    operationId,
    summary: about,
    tags: [ancestor ? 'ancestor' : role === 'none' && !path.startsWith('/v1/') ? 'probes' : 'v1'],
    'x-role': role,
    ...(role === 'none' && { security: [{}, { token: [] }] }),
    parameters: [...placed, ...headers],
    ...(method === 'POST' && {
      requestBody: bodyOf(
        name,
        all.filter(([parameter]) => !inPath.has(parameter)),
      ),
    }),
    responses: responsesOf(name, endpoint),
  };
}

function parameterOf(name: string, { field, fallback }: Parameter<unknown>, place: 'path' | 'query'): JsonSchema {
  const schema = fallback === undefined || fallback === null ? field.schema : { ...field.schema, default: fallback };
  const required = place === 'path' || fallback === undefined;
  return { name, in: place, required, description: `${field.expected}.`, schema };
}

function headerOf(name: string, description: string): JsonSchema {
  return { name, in: 'header', required: false, description, schema: { type: 'string', maxLength: 2_000 } };
}

function bodyOf(name: EndpointName, parameters: readonly (readonly [string, Parameter<unknown>])[]): JsonSchema {
  const schema = name === 'startOperation' ? operationBody(parameters) : objectOf(parameters);
  const content = { 'application/json': { schema }, 'application/x-www-form-urlencoded': { schema } };
  return { required: parameters.some(([, { fallback }]) => fallback === undefined), content };
}

/** What an operation takes depends on its kind. */
function operationBody(common: readonly (readonly [string, Parameter<unknown>])[]): JsonSchema {
  const oneOf = KINDS_OF_OPERATIONS.map((kind) => {
    const own = Object.entries(OPERATION_KINDS[kind].parameters as AnyParameters);
    const whole = objectOf([...common, ...own]);
    const properties: JsonSchema = { ...(whole['properties'] as JsonSchema), kind: { const: kind } };
    return { ...whole, title: kind, description: OPERATION_KINDS[kind].about, properties };
  });
  return { oneOf };
}

function objectOf(parameters: readonly (readonly [string, Parameter<unknown>])[]): JsonSchema {
  const properties = parameters.map(([name, { field, fallback }]) => {
    const described = { ...field.schema, description: `${field.expected}.` };
    return [name, fallback === undefined || fallback === null ? described : { ...described, default: fallback }];
  });
  const required = parameters.flatMap(([name, { fallback }]) => (fallback === undefined ? [name] : []));
  return { type: 'object', properties: Object.fromEntries(properties) as JsonSchema, required };
}

function responsesOf(name: EndpointName, { method, role, edits, streams }: AnyEndpoint): JsonSchema {
  const schema = ANSWERS[name] ?? {};
  const type = TYPES[name] ?? 'application/json';
  const content = {
    [type]: { schema },
    ...(streams === true && { 'text/event-stream': { schema: { type: 'string' } } }),
    ...(name === 'metrics' && { 'application/openmetrics-text': { schema } }),
  };
  const done = { description: 'Done.', content };
  const codes = Object.keys(REFUSALS).filter((code) => {
    if (code === '412') return edits !== undefined;
    if (['401', '403', '429'].includes(code)) return role !== 'none' || name === 'logIn';
    // What is deployed, a command of the operator is asked.
    const mayFail = method !== 'GET' || name === 'deployedVersion';
    return mayFail || !['409', '413', '415', '500'].includes(code);
  });
  const refusals = codes.map((code) => [code, refused(REFUSALS[code] ?? '')] as const);
  const extra = name === 'startOperation' ? { '202': { description: 'It has begun.', content } } : {};
  const success = name === 'createToken' || name === 'logIn' ? '201' : '200';
  const probe = name === 'readyz' ? { '503': { description: 'It is not ready.', content } } : {};
  return { [success]: done, ...extra, ...Object.fromEntries(refusals), ...probe };
}

function refused(description: string): JsonSchema {
  return { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } } };
}
