/**
 * What `fetchClientValues` reads of a client: a path of names. Whoever is a node of the bot may ask, so secrets and the
 * insides of a library stay here, and so does whatever could be reached by a prototype. A bot that wants to tell more
 * registers a handler.
 */
import { NodeError } from '../errors.js';

/** Under these names, or a part of them, libraries keep the bot's token. */
const SECRET = /token|secret|passw|^(?:auth|authorization|authentication|credentials?|headers)$/iu;
const BUILT_IN: ReadonlySet<string> = new Set(['constructor', 'prototype']);

/** The names of the path. Throws `DSO_CALL_INVALID` with the first that is not answered. */
export function clientPath(property: unknown): readonly string[] {
  if (typeof property !== 'string') throw new NodeError('DSO_CALL_INVALID', 'fetchClientValues takes a property name.');
  const path = property.split('.');
  for (const name of path) {
    if (!isOpen(name)) throw refused(property, name, 'secrets, private names and prototypes stay in their process');
  }
  return path;
}

/**
 * `guilds.cache.size`, as ShardingManager reads it; undefined where the path ends early. A name is the object's own, or
 * a getter of its class, as the size of a cache is.
 */
export function valueAt(client: object, property: unknown): unknown {
  let value: unknown = client;
  for (const name of clientPath(property)) {
    if (value === null || value === undefined) return undefined;
    const owner: object = Object(value) as object;
    if (!isReadable(owner, name)) return undefined;
    value = (owner as Record<string, unknown>)[name];
    if (typeof value === 'function') throw refused(property as string, name, 'it is a function');
  }
  return value;
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
