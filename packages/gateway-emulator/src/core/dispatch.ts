/** Events on their way to sessions: routing, sequence numbers, the replay buffer. */
import type { Ms } from '@dshard/transport';
import { intents } from './discord.js';
import type { Effect } from './effects.js';
import { dispatchText } from './payloads.js';
import { addToReplay } from './replay-buffer.js';
import type { GatewayState, Session } from './state.js';

/** An event of the world, as traffic makes it. */
export type TrafficEvent = {
  id: string;
  type: string;
  /** The `d` of the dispatch, written once for all sessions. */
  json: string;
  /** `guild_id >> 22`, which decides the shard; null for events without a guild: shard 0. */
  route: number | null;
  /**
   * For sessions without the MESSAGE_CONTENT intent, where Discord empties `content`, `embeds`, `attachments`, `components` and `poll`
   * ("Gateway: Message Content Intent"): not in direct messages, not in the bot's own, not where the bot is mentioned. Asked at
   * most once. Without it everybody gets `json`.
   */
  jsonWithoutContent?: () => string;
  /** A session gets the event if it asked for one of these intents; 0: whatever it asked for. */
  intents: number;
};

/** Gives an event to every session it belongs to; each shard count routes it by itself. */
export function dispatch(state: GatewayState, event: TrafficEvent, now: Ms): Effect[] {
  const out: Effect[] = [];
  let missedOn: number | null = null;
  let routed = false;
  let withoutContent: string | null = null;
  const jsonFor = (session: Session): string => {
    if (event.jsonWithoutContent === undefined || (session.intents & intents.messageContent) !== 0) return event.json;
    withoutContent ??= event.jsonWithoutContent();
    return withoutContent;
  };
  for (const [count, shards] of state.routes) {
    const shard = event.route === null ? 0 : event.route % count;
    const sessions = shards.get(shard);
    if (sessions === undefined) continue;
    if (sessions.length === 0) missedOn = shard;
    for (const session of sessions) {
      routed = true;
      if (event.intents !== 0 && (session.intents & event.intents) === 0) continue;
      const s = deliver(session, { type: event.type, json: jsonFor(session), eventId: event.id }, out);
      out.push({
        kind: 'record',
        record: {
          kind: 'emitted',
          at: now,
          eventId: event.id,
          type: event.type,
          sessionId: session.id,
          shard,
          count,
          s,
        },
      });
    }
  }
  if (!routed && missedOn !== null) {
    out.push({
      kind: 'record',
      record: { kind: 'missed', at: now, eventId: event.id, type: event.type, shard: missedOn },
    });
  }
  return out;
}

/** Numbers an event, keeps it for replay and sends it if the session has a socket. Returns its sequence. */
export function deliver(
  session: Session,
  event: { type: string; json: string; eventId: string | null },
  out: Effect[],
): number {
  session.seq += 1;
  addToReplay(session.replay, { s: session.seq, ...event });
  if (session.attachment.kind === 'attached') {
    const text = dispatchText(event.type, session.seq, event.json);
    out.push({ kind: 'send', connection: session.attachment.connection.id, text });
  }
  return session.seq;
}
