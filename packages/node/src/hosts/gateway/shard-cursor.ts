/**
 * The gateway session of one shard as the bot has seen it: `sequence` is the last event that was *handed to user code*. It is
 * the single truth: @discordjs/ws asks it for what to RESUME with and what to heartbeat with, too.
 *
 * Why not the library's own bookkeeping: it notes a sequence before it emits the event, and forgets the session in cases in
 * which it could still be resumed.
 */
import type { Cursor } from '../../session/state.js';

export class ShardCursor {
  #session: Cursor | null;

  constructor(session: Cursor | null) {
    this.#session = session === null ? null : { ...session, resumeGatewayUrl: usableUrl(session.resumeGatewayUrl) };
  }

  /** null: there is nothing to resume. */
  get current(): Cursor | null {
    return this.#session;
  }

  /**
   * READY came. It counts as handed over right away: nothing of the session comes before it, and the library emits it in the
   * same turn.
   */
  begin(session: Cursor): void {
    this.#session = { ...session, resumeGatewayUrl: usableUrl(session.resumeGatewayUrl) };
  }

  /** The event with this sequence goes to user code now. Never goes back. */
  handed(sequence: number): void {
    if (this.#session !== null && sequence > this.#session.sequence) {
      this.#session = { ...this.#session, sequence };
    }
  }

  /** Whether the event with this sequence went to user code already. */
  isBeyond(sequence: number): boolean {
    return this.#session !== null && sequence <= this.#session.sequence;
  }

  /** Discord said that the session is gone. */
  forget(): void {
    this.#session = null;
  }

  /** The resume URL does not work. The session is as good as before: it can be resumed at the generic URL. */
  useGenericUrl(): void {
    if (this.#session !== null) {
      this.#session = { ...this.#session, resumeGatewayUrl: '' };
    }
  }
}

/** A URL that the library could not even parse would throw where nobody catches it. */
function usableUrl(url: string): string {
  return URL.canParse(url) && /^wss?:$/u.test(new URL(url).protocol) ? url : '';
}
