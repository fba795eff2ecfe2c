/**
 * The send limit of one socket: 120 payloads in 60 s ("Gateway: Rate Limiting"), heartbeats included (discord-api-docs#315), per socket and not per
 * shard (#5844). The period begins with the first payload after the one before ended (whether Discord's slides is not known).
 */
import type { Ms } from '@dshard/transport';

export type SendLimit = { readonly max: number; readonly periodMs: number; sent: number; endsAt: Ms };

export function createSendLimit(max: number, periodMs: number): SendLimit {
  return { max, periodMs, sent: 0, endsAt: 0 };
}

/** Counts one payload. False when it is one too many. */
export function countSend(limit: SendLimit, now: Ms): boolean {
  if (now >= limit.endsAt) {
    limit.sent = 0;
    limit.endsAt = now + limit.periodMs;
  }
  limit.sent += 1;
  return limit.sent <= limit.max;
}
