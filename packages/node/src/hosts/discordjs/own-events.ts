/** The user events that hosts send for themselves, beside those of the bot: a shard's caches or guilds, and what exportShard returned. */
import { UserEventRegistry } from '@dshard/protocol';
import type { UserEventCodec } from '../../options.js';

export const CACHE_EVENT = 'dshard.discordjs.caches';
export const STATE_EVENT = 'dshard.discordjs.state';
export const GUILDS_EVENT = 'dshard.guilds';

type OwnEvents = { [CACHE_EVENT]: Uint8Array; [STATE_EVENT]: unknown; [GUILDS_EVENT]: Uint8Array };

/** Where no bot counts to. */
const CACHE_EVENT_ID = 4_000_000_001;
const STATE_EVENT_ID = 4_000_000_002;
const GUILDS_EVENT_ID = 4_000_000_003;

const own: UserEventRegistry<OwnEvents> = new UserEventRegistry<OwnEvents>()
  .register(CACHE_EVENT_ID, CACHE_EVENT, 'raw')
  .register(STATE_EVENT_ID, STATE_EVENT)
  .register(GUILDS_EVENT_ID, GUILDS_EVENT, 'raw');

export function withOwnEvents(bots: UserEventCodec = new UserEventRegistry()): UserEventCodec {
  return {
    encode: (event, value) => (isOwn(event) ? own.encode(event, value as never) : bots.encode(event, value)),
    decode: (eventId, body) => (own.nameOf(eventId) === undefined ? bots : own).decode(eventId, body),
  };
}

function isOwn(event: string | number): event is keyof OwnEvents {
  return event === CACHE_EVENT || event === STATE_EVENT || event === GUILDS_EVENT;
}
