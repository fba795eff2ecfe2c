/**
 * A network in memory: the same `Transport` contract as TCP, on any clock, with faults on command. Who takes part is a
 * member with a name, and faults are aimed at members: `network.cut('web-3')` is that host's cable.
 */
import { formatAddress, isLoopback, parseAddress, TransportError } from '@dshard/transport';
import type { Address, ByteStream, Clock, Listener, Random, Transport, TransportErrorCode } from '@dshard/transport';
import { MemoryConnection, type CutDirection } from './memory-stream.js';

export type MemoryNetworkOptions = {
  clock: Clock;
  /** Needed for `jitterMs` only. */
  random?: Random;
  /** One way. Default 0: still never in the same turn. */
  delayMs?: number;
  /** Up to so much longer, drawn for each write. Bytes stay in order. */
  jitterMs?: number;
  /** Bytes a stream holds before `write` returns false. Default 64 KiB. */
  highWaterBytes?: number;
};

/** As a transport itself it is that of a member without a name. */
export type MemoryNetwork = Transport & {
  /** The transport of a member; its outgoing connections are its own. */
  member(name: string): Transport;
  /**
   * Connections of the member (default: all) swallow everything, and nobody is told; new ones time out. Half-open. With
   * `out` only what the member sends is swallowed, with `in` only what is sent to it. A member may also be an address:
   * then it is whoever listens there.
   */
  cut(member?: string, direction?: CutDirection): void;
  /** Connections can be made again. Those that were cut stay silent. */
  mend(member?: string): void;
  /** Both ends of the member's connections (default: all) see them reset. */
  reset(member?: string): void;
  /** Connections that at least one end has not closed yet. */
  openConnections(): number;
};

const DEFAULT_HIGH_WATER_BYTES = 64 * 1024;
const FIRST_EPHEMERAL_PORT = 49_152;
const OPPOSITE = { in: 'out', out: 'in' } as const;

export function memoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const { clock, random, delayMs = 0, jitterMs = 0, highWaterBytes = DEFAULT_HIGH_WATER_BYTES } = options;
  if (jitterMs > 0 && random === undefined) throw new RangeError('A network with jitterMs needs a random.');
  const listeners = new Map<Address, (stream: ByteStream) => void>();
  const connections = new Map<MemoryConnection, { owner: string; address: Address }>();
  const cutMembers = new Set<string>();
  let allCut = false;
  let nextPort = FIRST_EPHEMERAL_PORT;

  const latencyMs = (): number => delayMs + jitterMs * (random?.next() ?? 0);
  const isCut = (member: string, address: Address): boolean =>
    allCut || cutMembers.has(member) || cutMembers.has(address);
  const connectionsOf = (member: string | undefined): MemoryConnection[] =>
    [...connections]
      .filter(([, { owner, address }]) => member === undefined || owner === member || address === member)
      .map(([connection]) => connection);

  const listen = async (address: Address, onStream: (stream: ByteStream) => void): Promise<Listener> => {
    const asked = parseAddress(address);
    const bound = formatAddress(asked.host, asked.port === 0 ? nextPort++ : asked.port);
    if (listeners.has(bound)) {
      throw new TransportError('DSO_PORT_TAKEN', `Cannot listen on ${bound}: another process listens there already.`);
    }
    listeners.set(bound, onStream);
    return {
      address: bound,
      close: async () => {
        if (listeners.get(bound) === onStream) listeners.delete(bound);
      },
    };
  };

  /** Both ends of a new connection, or null when nobody listens. */
  const open = (member: string, address: Address): MemoryConnection | null => {
    if (!listeners.has(address)) return null;
    const { host } = parseAddress(address);
    const connection = new MemoryConnection(
      { from: formatAddress(host, nextPort++), to: address, loopback: isLoopback(host) },
      { clock, latencyMs, highWaterBytes, onGone: () => connections.delete(connection) },
    );
    connections.set(connection, { owner: member, address });
    return connection;
  };

  const connect = (
    member: string,
    address: Address,
    { signal, timeoutMs }: { signal?: AbortSignal; timeoutMs: number },
  ): Promise<ByteStream> =>
    new Promise((resolve, reject) => {
      const fail = (code: TransportErrorCode, fault: string): void => {
        settle();
        reject(new TransportError(code, `Cannot connect to ${address}: ${fault}.`));
      };
      const onAbort = (): void => fail('DSO_CONNECT_ABORTED', 'it was aborted');
      const cancelTimeout = clock.after(timeoutMs, () =>
        fail('DSO_CONNECT_TIMEOUT', `it did not answer within ${timeoutMs} ms`),
      );
      const cancelAnswer = clock.after(2 * latencyMs(), () => {
        if (isCut(member, address)) return;
        const connection = open(member, address);
        if (connection === null) {
          fail('DSO_CONNECT_REFUSED', 'nobody listens there');
          return;
        }
        settle();
        listeners.get(address)?.(connection.accepted);
        resolve(connection.connected);
      });
      const settle = (): void => {
        cancelTimeout();
        cancelAnswer();
        signal?.removeEventListener('abort', onAbort);
      };
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });

  const member = (name: string): Transport => ({
    listen,
    connect: async (address, connectOptions) => {
      parseAddress(address);
      return connect(name, address, connectOptions);
    },
  });

  return {
    ...member(''),
    member,
    cut: (name, direction = 'both') => {
      if (name === undefined) allCut = true;
      else cutMembers.add(name);
      // What whoever listens sends is what comes in at the end that connected.
      const isListener = name !== undefined && listeners.has(name);
      const seen = isListener && direction !== 'both' ? OPPOSITE[direction] : direction;
      for (const connection of connectionsOf(name)) connection.cut(seen);
    },
    mend: (name) => {
      if (name !== undefined) cutMembers.delete(name);
      else {
        allCut = false;
        cutMembers.clear();
      }
    },
    reset: (name) => {
      for (const connection of connectionsOf(name)) connection.reset();
    },
    openConnections: () => connections.size,
  };
}
