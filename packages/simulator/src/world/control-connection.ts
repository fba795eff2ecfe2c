/**
 * What the simulator does to control connections, on the wire, so that the parties themselves are the production ones:
 * it listens, repeats the last message, cuts a write in two, and makes a node one of the base level.
 */
import type { Message, MessageOf } from '@dshard/protocol';
import { decodeMessage, encodeMessage, FrameReader, MAX_BODY_BYTES } from '@dshard/protocol';
import type { ByteStream, Transport } from '@dshard/transport';

/** A connection on which what is written goes through somebody first; all else is the connection's own. */
function writtenThrough(
  stream: ByteStream,
  write: ByteStream['write'],
  handle: ByteStream['handle'] = (handlers) => stream.handle(handlers),
): ByteStream {
  return {
    remote: stream.remote,
    loopback: stream.loopback,
    get bufferedBytes() {
      return stream.bufferedBytes;
    },
    handle,
    write,
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end: () => stream.end(),
    destroy: () => stream.destroy(),
  };
}

/** Writes to the control connection, looked at from outside: they are whole frames, one after the other. */
const HEADER_BYTES = 8;

/**
 * The first half of a write: the first half of its frames, and half of the next one. Counted in frames and not in
 * bytes, since how many bytes a heartbeat has depends on the machine, and a run may not.
 */
export function truncateFrames(bytes: Uint8Array): Uint8Array {
  const starts = startsOf(bytes);
  const half = starts[Math.floor(starts.length / 2)] ?? 0;
  return bytes.subarray(0, half + HEADER_BYTES / 2);
}

/** Whether one of the frames has this event id. */
export function namesEvent(bytes: Uint8Array, eventId: number): boolean {
  const view = viewOf(bytes);
  return startsOf(bytes).some((start) => view.getUint32(start, true) === eventId);
}

function startsOf(bytes: Uint8Array): number[] {
  const view = viewOf(bytes);
  const starts: number[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    starts.push(at);
    at += HEADER_BYTES + view.getUint32(at + 4, true);
  }
  return starts;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

// Listens to what a process says on the connections that come to it: each message at the moment it is written.

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

// A connection on which the last message of the one before arrives once more: right behind the handshake. TCP does not
// repeat within a connection; a peer that does not know whether its last write arrived before the connection broke, and
// sends it again on the next one, does. Nodes only: the orchestrator says nothing again that it said on a connection
// that is gone.

/** @param repeats asked for each message that could be repeated. */
export function repeatingTransport(transport: Transport, repeats: (message: Message) => boolean): Transport {
  const said = new LastMessage(repeats);
  return {
    listen: (address, onStream) => transport.listen(address, onStream),
    connect: async (address, options) => withRepeats(await transport.connect(address, options), said),
  };
}

const HANDSHAKE: ReadonlySet<string> = new Set(['identify', 'challenge', 'proof', 'identified', 'rejected']);

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
      if (!HANDSHAKE.has(message.kind)) this.#last = message;
      passed.push(encodeMessage(message));
      const before = this.#before;
      const isBare = message.kind === 'identify' && message.nonce !== undefined;
      if (isBare || message.kind === 'rejected' || before === null) continue;
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

/**
 * Makes a node one of the base level: as that of a Go node, its Identify names no capabilities, and names as running
 * also the shards that it was told to make room for, if `namesPrepared`. Done on the wire, so that the node itself is
 * the production one.
 */
export function baseLevelTransport(transport: Transport, namesPrepared: boolean): Transport {
  const prepared = new Set<number>();
  return {
    listen: (address, onStream) => transport.listen(address, onStream),
    connect: async (address, options) =>
      withPlainIdentify(await transport.connect(address, options), namesPrepared ? prepared : new Set()),
  };
}

function withPlainIdentify(stream: ByteStream, prepared: Set<number>): ByteStream {
  const said = new FrameReader(MAX_BODY_BYTES);
  const heard = new FrameReader(MAX_BODY_BYTES);
  const write = (bytes: Uint8Array): boolean => {
    let takesMore = true;
    for (const message of messagesOf(said, bytes)) {
      takesMore = stream.write(encodeMessage(message.kind === 'identify' ? plainIdentify(message, prepared) : message));
      if (message.kind === 'startShards') for (const shardId of message.shardIds) prepared.delete(shardId);
      else if (message.kind === 'stopShard') prepared.delete(message.shardId);
    }
    return takesMore;
  };
  const handle: ByteStream['handle'] = (handlers) =>
    stream.handle({
      ...handlers,
      onData: (chunk) => {
        for (const message of messagesOf(heard, chunk)) {
          if (message.kind === 'prepareMigration' && !message.origin) prepared.add(message.shardId);
        }
        handlers.onData(chunk);
      },
    });
  return writtenThrough(stream, write, handle);
}

function* messagesOf(frames: FrameReader, bytes: Uint8Array): Generator<Message> {
  frames.push(bytes);
  for (let frame = frames.next(); frame !== null; frame = frames.next()) yield decodeMessage(frame.eventId, frame.body);
}

/** Of a peer that has never heard of what the extended level adds. */
function plainIdentify(identify: MessageOf<'identify'>, prepared: ReadonlySet<number>): MessageOf<'identify'> {
  const { instance: _, bounds: __, runningEpochs: ___, orchestratorEpoch: ____, ...known } = identify;
  const runningShards = [...new Set([...known.runningShards, ...prepared])];
  return { ...known, runningShards, capabilities: [], heldSessions: [], host: null, pid: null };
}
