/** The close codes of the gateway that mean something here: those we send, and what those of Discord say. */

/** Any code from 4000 that is not in Discord's table keeps the session; the library uses this one itself. */
export const KEEP_SESSION_CODE = 4200;
export const END_SESSION_CODE = 1000;

/** Another connection has resumed the session. Not in Discord's table any more; seen where one session was resumed twice. */
export const DISPLACED_CODE = 4006;

/** After these the session is gone for good: not authenticated (invalidated while active), invalid seq. */
export const SESSION_GONE_CODES: ReadonlySet<number> = new Set([4003, 4007]);

/** What to do about those after which Discord does not want the shard back. */
export const REFUSALS: Readonly<Record<number, string>> = {
  4004: 'the bot token is wrong; correct it and restart the bot',
  4010: 'the shard id or the shard count is wrong; correct the total shard count',
  4011: 'the shard would hold too many guilds; raise the total shard count',
  4012: 'the API version is wrong; update the Discord library',
  4013: 'the intents are wrong; correct them',
  4014: "intents are used that the bot was not given; enable them in Discord's developer portal",
};
