/** `dso.yaml` as JSON Schema, for editors: made from the keys, as the reference page is. */
import type { JsonSchema } from '../values/field.js';
import { configEntry, CONFIG_KEYS } from './keys.js';
import { writtenValue } from './written.js';

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

type Section = { properties: Record<string, JsonSchema | Section> } & JsonSchema;

export function configSchema(): JsonSchema {
  const root: Section = { ...section(), $schema: DRAFT, title: 'dso.yaml' };
  for (const key of CONFIG_KEYS) {
    const path = key.split('.');
    const name = path.pop() ?? key;
    let at = root;
    for (const part of path) at = sectionIn(at, part);
    const { field, byDefault, about } = configEntry(key);
    at.properties[name] = { ...field.schema, description: `${about}\nDefault: ${writtenValue(key, byDefault)}` };
  }
  return root;
}

function section(): Section {
  return { type: 'object', additionalProperties: false, properties: {} };
}

/** A section with nothing below its name says nothing, and is no fault. */
function sectionIn({ properties }: Section, name: string): Section {
  const known = properties[name];
  if (known !== undefined) return known as Section;
  const made: Section = { ...section(), type: ['object', 'null'] };
  properties[name] = made;
  return made;
}
