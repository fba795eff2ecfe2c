/** What bots run on, as the npm registry has it: Node.js of each supported version, bun and deno. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { npmProject } from '../npm-project.js';

export type RuntimeName = 'node20' | 'node22' | 'node24' | 'bun' | 'deno';

export type Runtime = { readonly name: RuntimeName; readonly bin: string };

type Source = { readonly package: string; readonly bin: string };

const SOURCES: Readonly<Record<RuntimeName, Source>> = {
  node20: { package: 'node@20', bin: 'node_modules/node/bin' },
  node22: { package: 'node@22', bin: 'node_modules/node/bin' },
  node24: { package: 'node@24', bin: 'node_modules/node/bin' },
  bun: { package: 'bun@1', bin: 'node_modules/.bin' },
  deno: { package: 'deno@2', bin: 'node_modules/.bin' },
};

/** Where it is not to be had the outcome says so; without these nothing has been tried. */
export const REQUIRED: readonly RuntimeName[] = ['node20', 'node22', 'node24'];

/** `bin` is the folder that goes to the front of PATH. Throws when it is not to be had, with the reason. */
export async function getRuntime(name: RuntimeName, folder: string): Promise<Runtime> {
  const { package: wanted, bin } = SOURCES[name];
  if (name === `node${process.versions.node.split('.')[0]}`) return { name, bin: join(process.execPath, '..') };
  const project = await npmProject(join(folder, name), { packages: [wanted] });
  const place = join(project.folder, bin);
  if (!existsSync(place)) throw new Error(`${wanted} brought no ${bin}.`);
  return { name, bin: place };
}
