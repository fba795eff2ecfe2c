/**
 * How the parts of a shard's caches travel: as many in a user event as are quick to handle in one go. One event each would cost more
 * than the part itself where they are small, as in what a frozen shard has to send.
 */
import type { StatePart } from './shard-state.js';

/** Of JSON, per frame. A part that is larger goes alone. */
const FRAME_CHARACTERS = 32_768;

export class StateFrames {
  readonly #send: (frame: Uint8Array) => Promise<void>;
  #parts: string[] = [];
  #characters = 0;

  constructor(send: (frame: Uint8Array) => Promise<void>) {
    this.#send = send;
  }

  add(part: StatePart): Promise<void> {
    return this.addText(JSON.stringify(part));
  }

  /** A part that is JSON already. */
  async addText(text: string): Promise<void> {
    if (this.#characters + text.length > FRAME_CHARACTERS) {
      await this.flush();
    }
    this.#parts.push(text);
    this.#characters += text.length;
  }

  /** Sends what there is. */
  async flush(): Promise<void> {
    const parts = this.#parts;
    if (parts.length > 0) {
      this.#parts = [];
      this.#characters = 0;
      await this.#send(Buffer.from(`[${parts.join()}]`));
    }
  }
}

/** None of an older format, which had a part per event: without its beginning a copy is not whole, and the caches come from Discord. */
export function partsOf(frame: Uint8Array): readonly StatePart[] {
  const parts: unknown = JSON.parse(Buffer.from(frame).toString());
  return Array.isArray(parts) ? parts : [];
}
