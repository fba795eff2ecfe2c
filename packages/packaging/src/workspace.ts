/** The packages of this repository that are published, as their folders have them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** What is read of a package.json; the rest is carried along. */
export type Manifest = JsonObject & { readonly name: string; readonly version: string };

export type PublicPackage = { readonly folder: string; readonly directory: string; readonly manifest: Manifest };

export type Workspace = {
  readonly root: string;
  readonly manifest: Manifest;
  readonly publicPackages: readonly PublicPackage[];
};

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export function readWorkspace(root: string = ROOT): Workspace {
  const publicPackages = readdirSync(join(root, 'packages'))
    .map((name) => ({ directory: `packages/${name}`, folder: join(root, 'packages', name) }))
    .filter(({ folder }) => existsSync(join(folder, 'package.json')))
    .map((place) => ({ ...place, manifest: readManifest(place.folder) }))
    .filter(({ manifest }) => manifest['private'] !== true);
  return { root, manifest: readManifest(root), publicPackages };
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}
