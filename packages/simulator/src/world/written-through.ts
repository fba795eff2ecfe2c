/** A connection on which what is written goes through somebody first; all else is the connection's own. */
import type { ByteStream } from '@dshard/transport';

export function writtenThrough(stream: ByteStream, write: ByteStream['write']): ByteStream {
  return {
    remote: stream.remote,
    loopback: stream.loopback,
    get bufferedBytes() {
      return stream.bufferedBytes;
    },
    handle: (handlers) => stream.handle(handlers),
    write,
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end: () => stream.end(),
    destroy: () => stream.destroy(),
  };
}
