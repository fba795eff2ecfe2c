/**
 * The caches of a discord.js client as plain data, so that those of two clients can be compared field by field, across
 * processes. Nothing of discord.js is known here but its habits: own properties are the data (private ones with an
 * underscore too), managers have a `_cache`, and other structures are referred to as objects.
 */
export type CacheTree = null | boolean | number | string | { readonly [key: string]: CacheTree };

export type CacheComparison = {
  /** Fields looked at. */
  compared: number;
  different: number;
  /** The first of those that differ, with both values. */
  examples: readonly string[];
};

/** Structures that are looked at where they are kept; elsewhere their id says which they are. */
const REFERENCES = new Set([
  'guild',
  'user',
  'thread',
  'channel',
  'member',
  'author',
  'creator',
  'presence',
  'activity',
  'message',
  'reaction',
  'repliedUser',
]);

/** Not data of the structure: its client, and what is only looked up when somebody asks. */
const LEFT_OUT = new Set(['client', '_members', '_channels', '_parsedUsers']);

const MAX_EXAMPLES = 20;

/** A guild, say, with everything below it. */
export function cacheTree(structure: object): CacheTree {
  return treeOf(structure, 'structure', []);
}

/** `above`: what `value` is kept in. */
function treeOf(value: unknown, key: string, above: readonly object[]): CacheTree {
  switch (typeof value) {
    case 'bigint':
      return `${value}n`;
    case 'undefined':
      return 'undefined';
    case 'boolean':
    case 'string':
      return value;
    case 'number':
      return Number.isNaN(value) ? 'NaN' : value;
    case 'object':
      return value === null ? null : objectTree(value, key, above);
    case 'function':
    case 'symbol':
      return typeof value;
  }
}

function objectTree(value: object, key: string, above: readonly object[]): CacheTree {
  const below = [...above, value];
  if (value instanceof Date) {
    return value.getTime();
  }
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([id, each]) => [String(id), treeOf(each, 'cached', below)]));
  }
  if (Array.isArray(value)) {
    return Object.fromEntries(value.map((each, index) => [`${index}`, treeOf(each, 'element', below)]));
  }
  const fields = value as Record<string, unknown>;
  // An answer refers to the poll that it is kept in.
  if (REFERENCES.has(key) || above.includes(value)) {
    return { id: treeOf(fields['id'] ?? fields['userId'] ?? null, 'id', below) };
  }
  if (fields['_cache'] instanceof Map) {
    return treeOf(
      key === 'structure' || !isIndex(value) ? fields['_cache'] : [...fields['_cache'].keys()].map(String).toSorted(),
      key,
      below,
    );
  }
  const tree: Record<string, CacheTree> = {};
  for (const name of Object.getOwnPropertyNames(value)) {
    if (!LEFT_OUT.has(name)) {
      tree[name] = treeOf(fields[name], name, below);
    }
  }
  return tree;
}

/** Threads are kept with the guild's channels; the manager of a channel only says which are its. */
function isIndex(manager: object): boolean {
  return manager.constructor.name.includes('Thread') && !manager.constructor.name.includes('Member');
}

export function compareTrees(expected: CacheTree, actual: CacheTree): CacheComparison {
  const found = { compared: 0, different: 0, examples: [] as string[] };
  compare(expected, actual, '', found);
  return found;
}

type Found = { compared: number; different: number; examples: string[] };

function compare(expected: CacheTree | undefined, actual: CacheTree | undefined, path: string, found: Found): void {
  if (isTree(expected) && isTree(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      compare(expected[key], actual[key], path === '' ? key : `${path}.${key}`, found);
    }
    return;
  }
  found.compared++;
  if (expected !== actual) {
    found.different++;
    if (found.examples.length < MAX_EXAMPLES) {
      found.examples.push(`${path}: expected ${inShort(expected)}, is ${inShort(actual)}`);
    }
  }
}

function isTree(value: CacheTree | undefined): value is { readonly [key: string]: CacheTree } {
  return typeof value === 'object' && value !== null;
}

function inShort(value: CacheTree | undefined): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 80);
}
