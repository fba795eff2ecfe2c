/** How much the orchestrator buffers for its nodes, measured where it writes. */
import type { ByteStream, Transport } from '@dshard/transport';

/** What is waiting in the orchestrator for its nodes, all connections together, and the most it ever was. */
export type Buffered = { now(): number; max: number };

/** The same transport, on which what the orchestrator buffers is measured at every write. */
export function measured(transport: Transport): { transport: Transport; buffered: Buffered } {
  const streams: ByteStream[] = [];
  const now = (): number => streams.reduce((sum, stream) => sum + stream.bufferedBytes, 0);
  const buffered: Buffered = { now, max: 0 };
  const listen: Transport['listen'] = (address, onStream) =>
    transport.listen(address, (stream) => {
      streams.push(stream);
      const write = stream.write.bind(stream);
      stream.write = (bytes) => {
        const takesMore = write(bytes);
        buffered.max = Math.max(buffered.max, now());
        return takesMore;
      };
      onStream(stream);
    });
  return { transport: { ...transport, listen }, buffered };
}
