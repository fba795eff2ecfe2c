import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { CONTRACT, ENDPOINT_NAMES, openApiDocument, type AnyEndpoint } from '../src/index.js';

type Operation = {
  operationId: string;
  'x-role': string;
  parameters: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: { properties?: object; oneOf?: { properties: object }[] } }> };
  responses: Record<string, { content: Record<string, { schema: object }> }>;
};
type Document = { openapi: string; paths: Record<string, Record<string, Operation>>; components: object };

const document = openApiDocument('9.9.9') as unknown as Document;
const text = JSON.stringify(document);

const operationAt = (path: string, method: string): Operation | undefined =>
  document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];

describe('the OpenAPI document', () => {
  test('is valid as OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(text));
    expect(errors ?? []).toEqual([]);
    expect([valid, validator.version]).toEqual([true, '3.1']);
  });

  test('refers to nothing that is not in it', () => {
    const at = (reference: string): unknown =>
      reference
        .slice(2)
        .split('/')
        .reduce<unknown>((place, key) => Object(place)[decodeURIComponent(key)], document);
    const references = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, reference = '']) => reference);
    expect(references.length).toBeGreaterThan(100);
    expect(references.filter((reference) => !reference.startsWith('#/') || at(reference) === undefined)).toEqual([]);
  });

  test.each(ENDPOINT_NAMES)('has %s with its role, its parameters, an answer and its refusals', (name) => {
    const { path, alsoAt, method, role, parameters }: AnyEndpoint = CONTRACT[name];
    const operation = operationAt(path, method);
    expect(operation).toMatchObject({ operationId: name, 'x-role': role });
    const placed = operation!.parameters.map((parameter) => parameter.name);
    const { schema } = operation!.requestBody?.content['application/json'] ?? {};
    const bodies = schema?.oneOf ?? [schema ?? {}];
    for (const { properties = {} } of bodies as { properties?: object }[]) {
      expect([...placed, ...Object.keys(properties)]).toEqual(expect.arrayContaining(Object.keys(parameters)));
    }
    const success = Object.entries(operation!.responses).filter(([status]) => status.startsWith('2'));
    expect(success).not.toEqual([]);
    // An answer without a schema says nothing.
    for (const [, { content }] of success) expect(Object.values(content)[0]?.schema).not.toEqual({});
    if (role !== 'none') expect(Object.keys(operation!.responses)).toEqual(expect.arrayContaining(['401', '403']));
    if (alsoAt !== undefined) expect(operationAt(alsoAt, method)).toBeDefined();
  });

  test('has nothing that is not in the contract', () => {
    const paths = ENDPOINT_NAMES.flatMap((name) => {
      const { path, alsoAt, method }: AnyEndpoint = CONTRACT[name];
      return [path, ...(alsoAt === undefined ? [] : [alsoAt])].map((each) => `${method} ${each}`);
    });
    const there = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(there.toSorted()).toEqual(paths.toSorted());
  });

  test('is the one in the docs, but for the version', () => {
    const written = readFileSync(new URL('../../../docs/reference/openapi.json', import.meta.url), 'utf8');
    const { info, ...rest } = JSON.parse(written);
    expect(rest).toEqual({ ...JSON.parse(text), info: undefined });
    expect(info.version).toMatch(/^\d+\.\d+\.\d+/);
  });
});
