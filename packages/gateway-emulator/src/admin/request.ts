/** What a request of the admin interface is: what it says of itself, and how its body becomes what happens. */
import type { GuildView, OwnVoiceState } from '../core/world-view.js';
import type { Answers } from '../ledger/answers.js';
import type { Ledger } from '../ledger/ledger.js';
import type { People } from '../world/people.js';
import type { RestActions } from '../world/rest-actions.js';
import type { Traffic } from '../world/traffic.js';
import type { World } from '../world/world.js';
import type { Admin } from './admin.js';
import { numberOf, type Body } from './body.js';

/** What requests work on. */
export type AdminParts = {
  admin: Admin;
  ledger: Ledger;
  answers: Answers;
  traffic: Traffic;
  world: World;
  people: People;
  /** The bot's own voice state in a guild. */
  ownVoice: (guild: GuildView) => OwnVoiceState | null;
  posted: RestActions;
};

export type RequestContext = AdminParts & { query: URLSearchParams };

export type AdminRequest = {
  what: string;
  /** The fields of the body, with their meaning. Others are refused. */
  fields: Readonly<Record<string, string>>;
  /** What may stand in the URL's query, of a GET. Others are refused. */
  query?: Readonly<Record<string, string>>;
  /** Cannot happen later; any other POST can, and takes `inMs`, `everyMs` and `times` too. */
  atOnce?: true;
  /** Reads the body, and gives back what then happens; its result is the answer. Throws `DSO_EMULATOR_BAD_REQUEST`. */
  prepare(body: Body, context: RequestContext): () => unknown;
};

/** By method and path: `POST /emulator/drop`. */
export type AdminRequests = Readonly<Record<string, AdminRequest>>;

/** `name`: its method and path. */
export function isSchedulable(name: string, { atOnce }: AdminRequest): boolean {
  return name.startsWith('POST ') && atOnce !== true;
}

/** A request that says all there is to say by its path. */
export function simple(what: string, happens: (context: RequestContext) => unknown): AdminRequest {
  return { what, fields: {}, prepare: (_body, context) => () => happens(context) };
}

export const dayMs: number = 24 * 60 * 60 * 1000;
export const longestMs: number = 1_000 * dayMs;

export const forMsMeaning = 'how long it lasts, in milliseconds; without it, until undone';

export function lastingOf(body: Body): { forMs?: number } {
  const forMs = numberOf(body, 'forMs', { min: 1, max: longestMs });
  return forMs === undefined ? {} : { forMs };
}
