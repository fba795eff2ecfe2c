/**
 * Puts beside the built command line what `dso init` writes: the files of `deploy/`, and the JSON Schema of dso.yaml.
 * Part of `npm run build`.
 */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { configSchema } from '@dshard/api/config';

const dist = new URL('../packages/cli/dist/', import.meta.url);
const deploy = new URL('deploy/', dist);
rmSync(deploy, { recursive: true, force: true });
cpSync(new URL('../deploy/', import.meta.url), deploy, { recursive: true });
writeFileSync(new URL('dso.schema.json', dist), `${JSON.stringify(configSchema(), null, 2)}\n`);
