/**
 * Writes packages/api/src/openapi/answer-schemas.ts: the schemas of all answers, from the types in
 * packages/api/src/answers. `--check` fails when the file is not what the types say.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { createGenerator } from 'ts-json-schema-generator';

const FILE = fileURLToPath(new URL('../packages/api/src/openapi/answer-schemas.ts', import.meta.url));
const TYPE = 'AnswerDocuments';

const { properties, definitions } = createGenerator({
  path: fileURLToPath(new URL('../packages/api/src/contract/documents.ts', import.meta.url)),
  tsconfig: fileURLToPath(new URL('../packages/api/tsconfig.json', import.meta.url)),
  type: TYPE,
  topRef: false,
  // Clients of an older version have to take fields that were added since.
  additionalProperties: true,
  skipTypeCheck: true,
}).createSchema(TYPE);

/** As an OpenAPI document refers to them. Objects say nothing of what else they may have. */
function referred(schema) {
  if (Array.isArray(schema)) return schema.map(referred);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).filter(
    ([name, value]) => !(name === 'additionalProperties' && (value === true || JSON.stringify(value) === '{}')),
  );
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      name === '$ref' ? value.replace('#/definitions/', '#/components/schemas/') : referred(value),
    ]),
  );
}

const made = `/** Made from the types in ../answers by \`npm run docs\`. Edit them, not this file. */
import type { EndpointName } from '../contract/documents.js';
import type { JsonSchema } from '../values/field.js';

/** What each entry of the contract answers. */
export const ANSWERS: Readonly<Record<EndpointName | 'refusal', JsonSchema>> = ${JSON.stringify(referred(properties))};

/** What they refer to. */
export const ANSWER_SCHEMAS: Readonly<Record<string, JsonSchema>> = ${JSON.stringify(referred(definitions))};
`;

const source = await format(made, { ...(await resolveConfig(FILE)), filepath: FILE });
if (!process.argv.includes('--check')) writeFileSync(FILE, source);
else if (readFileSync(FILE, 'utf8') !== source) {
  console.error('packages/api/src/openapi/answer-schemas.ts is not what the types say. Run `npm run docs`.');
  process.exitCode = 1;
}
