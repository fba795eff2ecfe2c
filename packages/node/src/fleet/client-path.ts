/**
 * What `fetchClientValues` reads of a client: a path of names. Whoever is a node of the bot may ask, so what is
 * answered is on a list: counts, ids, names, ping, uptime, and what the bot names in `fleet: { values }`. Secrets and
 * the insides of a library stay here even where they are named, and so does whatever could be reached by a prototype.
 * A bot that wants to tell more registers a handler.
 */
import { NodeError } from '../errors.js';

/** Under these names, or a part of them, libraries keep the bot's token. */
const SECRET = /token|secret|passw|^(?:auth|authorization|authentication|credentials?|headers)$/iu;
const BUILT_IN: ReadonlySet<string> = new Set(['constructor', 'prototype']);

/** Where a path may end, unless the bot names more. What is there is a number, a text, a date or nothing. */
const ANSWERED =
  /^(?:size|length|count|ids?|name|username|tag|ping|latency|status|uptime|startTime|ready|readyAt|readyTimestamp|version|\w+(?:Count|Id|Name))$/u;

/**
 * The names of the path. Throws `DSO_CALL_INVALID` with the first that is not answered.
 *
 * @param named the paths that the bot names; what lies below them is named, too.
 */
export function clientPath(property: unknown, named: readonly string[]): readonly string[] {
  if (typeof property !== 'string') throw new NodeError('DSO_CALL_INVALID', 'fetchClientValues takes a property name.');
  const path = property.split('.');
  for (const name of path) {
    if (!isOpen(name)) throw refused(property, name, 'secrets, private names and prototypes stay in their process');
  }
  const last = path.at(-1) ?? '';
  if (!isNamed(property, named) && !ANSWERED.test(last)) {
    throw refused(
      property,
      last,
      'only counts, ids, names, ping and uptime are told without a word of the bot (name it in fleet: { values: […] })',
    );
  }
  return path;
}

/**
 * `guilds.cache.size`, as ShardingManager reads it; undefined where the path ends early. A name is the object's own, or
 * a getter of its class, as the size of a cache is.
 */
export function valueAt(client: object, property: unknown, named: readonly string[]): unknown {
  let value: unknown = client;
  for (const name of clientPath(property, named)) {
    if (value === null || value === undefined) return undefined;
    const owner: object = Object(value) as object;
    if (!isReadable(owner, name)) return undefined;
    value = (owner as Record<string, unknown>)[name];
    if (typeof value === 'function') throw refused(property as string, name, 'it is a function');
  }
  if (isNamed(property as string, named) || !isWhole(value)) return value;
  throw refused(property as string, String(property), 'it is an object, and only what the bot names is told whole');
}

function isNamed(property: string, named: readonly string[]): boolean {
  return named.some((path) => property === path || property.startsWith(`${path}.`));
}

function isWhole(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}

/** For JSON.stringify: what lies within a value under a name that no path may have is left out. */
export function withoutSecrets(name: string, value: unknown): unknown {
  return isOpen(name) ? value : undefined;
}

function isOpen(name: string): boolean {
  return !name.startsWith('_') && !SECRET.test(name) && !BUILT_IN.has(name);
}

/** Functions are: they are refused by name. What `Object` gives to everything is not. */
function isReadable(owner: object, name: string): boolean {
  for (
    let at: object | null = owner;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object
  ) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return at === owner || found.get !== undefined || typeof found.value === 'function';
  }
  return false;
}

function refused(property: string, name: string, why: string): NodeError {
  return new NodeError(
    'DSO_CALL_INVALID',
    `fetchClientValues does not answer ${JSON.stringify(property)}, for its part ${JSON.stringify(name)}: ${why}. ` +
      'What the bot wants to tell it can tell by a handler of its own: fleet.handle().',
  );
}
