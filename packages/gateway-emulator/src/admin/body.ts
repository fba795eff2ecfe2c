/**
 * Reads what admin requests carry: JSON objects and queries whose every field is known and checked. Throws
 * `DSO_EMULATOR_BAD_REQUEST`.
 */
import type { SessionSelector } from '../core/faults.js';
import { isObject, isSnowflake } from '../core/json.js';
import { badRequest } from '../errors.js';
import type { Place } from '../world/stage.js';

export type Body = Readonly<Record<string, unknown>>;

const maxShardNumber = 100_000;
const maxShardsNamed = 100_000;

export function parseBody(text: string, fields: readonly string[]): Body {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badRequest('the body is not JSON', cause);
  }
  if (!isObject(value)) throw badRequest('the body is not a JSON object');
  refuseUnknown(Object.keys(value), fields);
  return value;
}

export function refuseUnknown(names: Iterable<string>, known: readonly string[]): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    const there = known.length === 0 ? 'nothing is' : `known are ${known.join(', ')}`;
    throw badRequest(`"${name}" is not known here; ${there}`);
  }
}

export function selectorOf(body: Body): SessionSelector {
  const { shards, sessionId } = body;
  const selector: SessionSelector = {};
  if (shards !== undefined) selector.shards = shardsOf(shards);
  if (sessionId !== undefined) {
    if (typeof sessionId !== 'string') throw badRequest('"sessionId" must be a string');
    selector.sessionId = sessionId;
  }
  return selector;
}

/** `[0, 3]`, or `"0-3,7"`. */
function shardsOf(value: unknown): number[] {
  const problem = '"shards" must be an array of shard numbers, or ranges like "0-3,7"';
  if (Array.isArray(value) && value.every(isShard)) return value;
  if (typeof value !== 'string') throw badRequest(problem);
  const shards = value.split(',').flatMap((part) => {
    const [, from = '', to = from] = /^\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*$/.exec(part) ?? [];
    if (from === '' || !isShard(Number(to)) || Number(from) > Number(to)) throw badRequest(problem);
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
  });
  if (shards.length > maxShardsNamed) throw badRequest(problem);
  return shards;
}

function isShard(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < maxShardNumber;
}

export function numberOf(
  body: Body,
  name: string,
  { min, max, fraction = false }: { min: number; max: number; fraction?: boolean },
): number | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  const fits = typeof value === 'number' && (fraction ? Number.isFinite(value) : Number.isSafeInteger(value));
  if (fits && value >= min && value <= max) return value;
  throw badRequest(`"${name}" must be ${fraction ? 'a number' : 'an integer'} from ${min} to ${max}`);
}

export function booleanOf(body: Body, name: string, fallback: boolean): boolean {
  const value = body[name];
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw badRequest(`"${name}" must be true or false`);
}

export function choiceOf<T extends string>(body: Body, name: string, choices: readonly T[], fallback?: T): T {
  const value = body[name];
  if (value === undefined && fallback !== undefined) return fallback;
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) throw badRequest(`"${name}" must be one of ${choices.join(', ')}`);
  return chosen;
}

export function stringOf(body: Body, name: string): string {
  const value = body[name];
  if (typeof value === 'string' && value !== '') return value;
  throw badRequest(`"${name}" must be a string that is not empty`);
}

/** Those of the fields that are there. */
export function stringsOf<Name extends string>(body: Body, names: readonly Name[]): { [name in Name]?: string } {
  const present = names.filter((name) => body[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, stringOf(body, name)])) as { [name in Name]?: string };
}

/** A number of a query; null: it is not there. */
export function wholeOf(query: URLSearchParams, name: string): number | null {
  const value = query.get(name);
  if (value === null) return null;
  if (!/^\d{1,15}$/.test(value)) throw badRequest(`"${name}" must be an integer from 0 on`);
  return Number(value);
}

export function guildIdsOf(body: Body): string[] | undefined {
  const value = body['guilds'];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every(isSnowflake)) return value;
  throw badRequest('"guilds" must be an array of guild ids, as strings');
}

/** What a close frame may carry: RFC 6455 keeps the rest for itself. Null: no close frame. */
export function closeCodeOf(body: Body): number | null {
  const { code } = body;
  if (code === undefined || code === null) return null;
  const isOurs = typeof code === 'number' && Number.isSafeInteger(code) && code >= 3000 && code <= 4999;
  if (isOurs) return code;
  if (code === 1000 || code === 1001) return code;
  throw badRequest('"code" must be 1000, 1001 or from 3000 to 4999; without it there is no close frame');
}

/** Where something happens and who does it, as requests say it. */
export const placeFields = {
  guildId: 'where; default the first guild',
  channelId: 'where; default the first text channel',
  userId: 'who; default somebody by chance',
  direct: '`true`: in a direct channel',
};

export function placeOf(body: Body): Place {
  const direct = booleanOf(body, 'direct', false);
  return { ...stringsOf(body, ['guildId', 'channelId', 'userId']), ...(direct ? { direct } : {}) };
}
