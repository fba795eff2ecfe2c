/**
 * Where configuration comes from. Each source becomes a list of assignments that say what was written for which key and
 * where, so that a complaint can point at the line, the variable or the flag. What the keys mean is in `keys.ts`; which
 * source wins, in `resolve.ts`.
 */
import { isAlias, isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { messageOf, nearest, printable } from '@dshard/protocol';
import { readNamedFile } from '@dshard/transport';
import { ApiError } from '../errors.js';
import { describeValue, withoutSecrets } from '../values/field.js';
import { configEntry, CONFIG_KEYS, isConfigKey } from './keys.js';

export type Assignment = {
  key: string;
  written: unknown;
  /** `dso.yaml:3`, `DSO_NODES` or `--nodes`. */
  where: string;
  /** What relative paths in it are relative to. */
  base: string;
};

/** What a command line says: the key, the text after the flag, and the flag's name. */
export type Flag = { key: string; written: unknown; flag: string };

/** More is no configuration. */
const MAX_FILE_BYTES = 128 * 1024;
/** So many things that are wrong with a file are told. Nobody reads more, and each costs a look at all keys. */
export const MAX_PROBLEMS = 20;

export function flagAssignments(flags: readonly Flag[], cwd: string): Assignment[] {
  return flags.map(({ key, written, flag }) => ({ key, written, where: flag, base: cwd }));
}

/** Empty variables count as absent, as a shell leaves them behind. */
export function environmentAssignments(
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Assignment[] {
  return CONFIG_KEYS.flatMap((key) => {
    const { variable } = configEntry(key);
    const written = variable === null ? undefined : environment[variable];
    return variable === null || !written ? [] : [{ key, written, where: variable, base: cwd }];
  });
}

/** Variables that look like a misspelling of ours. Others with DSO_ (the node library's) are left alone. */
export function environmentWarnings(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = CONFIG_KEYS.flatMap((key) => configEntry(key).variable ?? []);
  return Object.keys(environment)
    .filter((name) => name.startsWith('DSO_') && !known.includes(name) && !FOREIGN_VARIABLES.has(name))
    .slice(0, MAX_PROBLEMS)
    .flatMap((name) => {
      const meant = nearest(name, known);
      return meant === null ? [] : [`The environment variable ${printable(name)} is not known: did you mean ${meant}?`];
    });
}

/** The command line's and the node library's own. */
const FOREIGN_VARIABLES = new Set([
  'DSO_CLI_ADDR',
  'DSO_CONFIG',
  'DSO_NODE_ID',
  'DSO_ORCHESTRATOR',
  'DSO_TLS',
  'DSO_TLS_SERVER_NAME',
  'DSO_VERSION',
]);

/** The file's text, or null when there is none and none was asked for. Throws DSO_CONFIG_UNREADABLE. */
export function readConfigFile(path: string, required: boolean): string | null {
  let bytes: Buffer;
  try {
    bytes = readNamedFile(path, MAX_FILE_BYTES);
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (missing && !required) return null;
    throw new ApiError(
      'DSO_CONFIG_UNREADABLE',
      missing ? `There is no file ${path}.` : `The file ${path} cannot be read: ${messageOf(cause)}.`,
      { cause },
    );
  }
  if (bytes.length > MAX_FILE_BYTES) {
    throw new ApiError('DSO_CONFIG_UNREADABLE', `The file ${path} is too large to be a configuration.`);
  }
  return bytes.toString('utf8');
}

/** What a YAML file assigns. Sections are walked as far as keys go; unknown ones come out, for `resolve` to refuse. */
export function fileAssignments(
  content: string,
  path: string,
  base: string,
): { assignments: Assignment[]; problems: string[] } {
  const lines = new LineCounter();
  // The library compares each key with all others of its map; ours are compared below.
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line;
  const problems = document.errors
    .slice(0, MAX_PROBLEMS)
    .map((error) => `${path}:${lineAt(error.pos[0])}: ${withoutSecrets(printable(error.message))}`);
  if (problems.length > 0) return { assignments: [], problems };
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { assignments: [], problems };
  if (!isMap(root)) return { assignments: [], problems: [`${path}: expected keys with values, such as "nodes: 2".`] };

  const assignments: Assignment[] = [];
  const walk = (map: Node, prefix: string): void => {
    if (!isMap(map)) return;
    const seen = new Set<string>();
    for (const { key, value } of map.items) {
      if (problems.length >= MAX_PROBLEMS) return;
      const name = `${prefix}${String(isScalar(key) ? key.value : key)}`;
      const where = `${path}:${lineAt(isScalar(key) ? key.range?.[0] : map.range?.[0])}`;
      if (seen.has(name)) problems.push(`${where}: ${describeValue(name)} stands there twice.`);
      seen.add(name);
      const node = isAlias(value) ? value.resolve(document) : value;
      if (!isConfigKey(name) && isSection(name) && isMap(node)) {
        walk(node, `${name}.`);
        continue;
      }
      try {
        assignments.push({ key: name, written: plain(node, document), where, base });
      } catch (error) {
        problems.push(`${where}: ${withoutSecrets(printable(name))}: ${messageOf(error)}.`);
      }
    }
  };
  walk(root, '');
  return { assignments, problems };
}

/** Whether keys stand below this name. */
export function isSection(name: string): boolean {
  return CONFIG_KEYS.some((key) => key.startsWith(`${name}.`));
}

function plain(node: unknown, document: Document): unknown {
  if (node === null || node === undefined) return null;
  return (node as Node).toJS(document, { maxAliasCount: 100 });
}
