/**
 * A connection on which the last message of the one before arrives once more: right behind the handshake. TCP does not
 * repeat within a connection; a peer that does not know whether its last write arrived before the connection broke, and sends it again on
 * the next one, does. Nodes only: the orchestrator says nothing again that it said on a connection that is gone.
 */
import { decodeMessage, encodeMessage, FrameReader, MAX_BODY_BYTES } from '@dshard/protocol';
import type { Message } from '@dshard/protocol';
import type { ByteStream, Transport } from '@dshard/transport';
import { writtenThrough } from './written-through.js';

/** @param repeats asked for each message that could be repeated. */
export function repeatingTransport(transport: Transport, repeats: (message: Message) => boolean): Transport {
  const said = new LastMessage(repeats);
  return {
    listen: (address, onStream) => transport.listen(address, onStream),
    connect: async (address, options) => withRepeats(await transport.connect(address, options), said),
  };
}

/** What was last on its connection, and what is to come again on the next one. */
class LastMessage {
  readonly #repeats: (message: Message) => boolean;
  #last: Message | null = null;
  #before: Message | null = null;
  #frames = new FrameReader(MAX_BODY_BYTES);

  constructor(repeats: (message: Message) => boolean) {
    this.#repeats = repeats;
  }

  connected(): void {
    this.#frames = new FrameReader(MAX_BODY_BYTES);
    this.#before = this.#last;
    this.#last = null;
  }

  /** What arrives for these bytes. */
  pass(bytes: Uint8Array): Uint8Array[] {
    const passed: Uint8Array[] = [];
    this.#frames.push(bytes);
    for (let frame = this.#frames.next(); frame !== null; frame = this.#frames.next()) {
      const message = decodeMessage(frame.eventId, frame.body);
      const isHandshake = message.kind === 'identify' || message.kind === 'identified' || message.kind === 'rejected';
      if (!isHandshake) this.#last = message;
      passed.push(encodeMessage(message));
      const before = this.#before;
      if (message.kind === 'rejected' || before === null) continue;
      this.#before = null;
      if (this.#repeats(before)) passed.push(encodeMessage(before));
    }
    return passed;
  }
}

function withRepeats(stream: ByteStream, said: LastMessage): ByteStream {
  said.connected();
  return writtenThrough(stream, (bytes) => {
    let takesMore = true;
    for (const passed of said.pass(bytes)) takesMore = stream.write(passed);
    return takesMore;
  });
}
