/** Listens to what a process says on the connections that come to it: each message at the moment it is written. */
import { decodeMessage, FrameReader, MAX_BODY_BYTES } from '@dshard/protocol';
import type { Message } from '@dshard/protocol';
import type { ByteStream, Transport } from '@dshard/transport';
import { writtenThrough } from './written-through.js';

/** @param kinds event ids of the messages that are of interest; the others are not even decoded. */
export function overheard(
  transport: Transport,
  kinds: ReadonlySet<number>,
  hear: (message: Message) => void,
): Transport {
  return {
    connect: (address, options) => transport.connect(address, options),
    listen: (address, onStream) => transport.listen(address, (stream) => onStream(withEars(stream, kinds, hear))),
  };
}

function withEars(stream: ByteStream, kinds: ReadonlySet<number>, hear: (message: Message) => void): ByteStream {
  const frames = new FrameReader(MAX_BODY_BYTES);
  return writtenThrough(stream, (bytes) => {
    frames.push(bytes);
    for (let frame = frames.next(); frame !== null; frame = frames.next()) {
      if (kinds.has(frame.eventId)) hear(decodeMessage(frame.eventId, frame.body));
    }
    return stream.write(bytes);
  });
}
