/**
 * Events on their way to sessions: routing, sequence numbers, the replay buffer.
 *
 * Every session has its own shard count, and gets what that count routes to its shard; several sessions of one shard
 * get a copy each ("Gateway: Sharding"). What belongs to no guild goes to shard 0 (discord-api-docs#7578).
 */
import type { Ms } from '@dshard/transport';
import { intents } from './discord.js';
import { dispatchText, sendText, type Effect } from './effects.js';
import { addToReplay } from './replay-buffer.js';
import type { GatewayState, Session } from './state.js';

/** An event of the world, as traffic makes it: one the bot is expected to handle. */
export type TrafficEvent = {
  id: string;
  type: string;
  /** The `d` of the dispatch, written once for all sessions. */
  json: string;
  /** `guild_id >> 22`, which decides the shard; null for events without a guild: shard 0. */
  route: number | null;
  /**
   * For sessions without the MESSAGE_CONTENT intent, where Discord hides `content`, `embeds`, `attachments`,
   * `components` and `poll` ("Gateway: Message Content Intent"): not in direct messages, not in the bot's own, not
   * where the bot is mentioned. Asked at most once. Without it everybody gets `json`.
   */
  jsonWithoutContent?: () => string;
  /** A session gets the event if it asked for one of these intents; 0: whatever it asked for. */
  intents: number;
};

/** Gives an event to every session it belongs to, and books it. Events of guilds in an outage do not happen. */
export function dispatch(state: GatewayState, event: TrafficEvent, now: Ms): Effect[] {
  const out: Effect[] = [];
  const { id: eventId, type, route } = event;
  if (route !== null && state.unavailable.has(route)) return out;
  let missedOn: number | null = null;
  let routed = false;
  let withoutContent: string | null = null;
  const jsonFor = (session: Session): string => {
    if (event.jsonWithoutContent === undefined || (session.intents & intents.messageContent) !== 0) return event.json;
    withoutContent ??= event.jsonWithoutContent();
    return withoutContent;
  };
  for (const [count, shards] of state.routes) {
    const shard = route === null ? 0 : route % count;
    const sessions = shards.get(shard);
    if (sessions === undefined) continue;
    if (sessions.length === 0) missedOn = shard;
    for (const session of sessions) {
      routed = true;
      if (!wants(session, event.intents)) continue;
      const s = deliver(session, { type, json: jsonFor(session), eventId }, out);
      const record = { kind: 'emitted', at: now, eventId, type, sessionId: session.id, shard, count, s } as const;
      out.push({ kind: 'record', record });
    }
  }
  if (!routed && missedOn !== null)
    out.push({ kind: 'record', record: { kind: 'missed', at: now, eventId, type, shard: missedOn } });
  return out;
}

/** The sessions that see a guild. */
export function* sessionsOf(state: GatewayState, route: number): Generator<Session> {
  for (const [count, shards] of state.routes) yield* shards.get(route % count) ?? [];
}

/** What the gateway itself says of a guild (an outage, the bot's voice state): not booked, no bot must handle it. */
export function tellGuild(
  state: GatewayState,
  event: { type: string; json: string; route: number; intents: number },
  out: Effect[],
): void {
  for (const session of sessionsOf(state, event.route)) {
    if (wants(session, event.intents)) answer(session, event.type, event.json, out);
  }
}

/** A dispatch for one session alone. */
export function answer(session: Session, type: string, json: string, out: Effect[]): void {
  deliver(session, { type, json, eventId: null }, out);
}

export function wants(session: Session, needed: number): boolean {
  return needed === 0 || (session.intents & needed) !== 0;
}

/** Numbers an event, keeps it for replay and sends it if the session has a socket. Returns its sequence. */
function deliver(
  session: Session,
  event: { type: string; json: string; eventId: string | null },
  out: Effect[],
): number {
  session.seq += 1;
  const { type, json, eventId } = event;
  addToReplay(session.replay, { s: session.seq, type, json, eventId });
  if (session.attachment.kind === 'detached' && session.echoes.length === 0) return session.seq;
  const text = dispatchText(type, session.seq, json);
  const { attachment } = session;
  if (attachment.kind === 'attached' && !attachment.connection.deaf) sendText(attachment.connection, text, out);
  for (const echo of session.echoes) sendText(echo, text, out);
  return session.seq;
}
