/**
 * Makes a node one of the base level: its Identify names no capabilities, as that of a Go node. Done on the wire, so that the node
 * itself is the production one.
 */
import { decodeMessage, encodeMessage, FrameReader, MAX_BODY_BYTES } from '@dshard/protocol';
import type { MessageOf } from '@dshard/protocol';
import type { ByteStream, Transport } from '@dshard/transport';
import { writtenThrough } from './written-through.js';

export function baseLevelTransport(transport: Transport): Transport {
  return {
    listen: (address, onStream) => transport.listen(address, onStream),
    connect: async (address, options) => withPlainIdentify(await transport.connect(address, options)),
  };
}

function withPlainIdentify(stream: ByteStream): ByteStream {
  const frames = new FrameReader(MAX_BODY_BYTES);
  const write = (bytes: Uint8Array): boolean => {
    frames.push(bytes);
    let takesMore = true;
    for (let frame = frames.next(); frame !== null; frame = frames.next()) {
      const message = decodeMessage(frame.eventId, frame.body);
      takesMore = stream.write(encodeMessage(message.kind === 'identify' ? plainIdentify(message) : message));
    }
    return takesMore;
  };
  return writtenThrough(stream, write);
}

/** Of a peer that has never heard of what the extended level adds. */
function plainIdentify(identify: MessageOf<'identify'>): MessageOf<'identify'> {
  const { instance: _, bounds: __, runningEpochs: ___, orchestratorEpoch: ____, ...known } = identify;
  return { ...known, capabilities: [], heldSessions: [], token: null };
}
