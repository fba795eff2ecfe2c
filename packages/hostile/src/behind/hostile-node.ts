/**
 * A peer that comes in as any node does, by the node library itself, and then writes to the connection what it likes.
 */
import { createNode, type DshardNode, type ShardHost } from '@dshard/node';
import { delay, silentLogger, systemClock, tcpTransport, type ByteStream, type Transport } from '@dshard/transport';

const JOIN_TIMEOUT_MS = 10_000;

const NO_SHARD = async (): Promise<never> => {
  throw new Error('There is no shard here.');
};

/** Runs nothing; the fleet has no shard left for this node. */
const HOST: ShardHost = {
  startShards: NO_SHARD,
  resumeShard: NO_SHARD,
  stopShard: async () => null,
  freeze: NO_SHARD,
};

export class HostileNode {
  readonly #node: DshardNode;
  readonly #stream: () => ByteStream | null;

  private constructor(node: DshardNode, stream: () => ByteStream | null) {
    this.#node = node;
    this.#stream = stream;
  }

  /** Resolves when the orchestrator has let it in. */
  static async join(orchestrator: string, nodeId: string, token: string | null): Promise<HostileNode> {
    const tcp = tcpTransport({ clock: systemClock(), lingerMs: 10 });
    let stream: ByteStream | null = null;
    const transport: Transport = {
      ...tcp,
      connect: async (address, options) => (stream = await tcp.connect(address, options)),
    };
    const node = createNode({
      host: HOST,
      orchestrator,
      nodeId,
      transport,
      exitOnShutdown: false,
      logger: silentLogger,
      ...(token !== null && { token }),
    });
    void node.closed.catch(() => undefined);
    void node.start().catch(() => undefined);
    const late = delay(systemClock(), JOIN_TIMEOUT_MS).then(() => {
      throw new Error(`the hostile node was not let in within ${JOIN_TIMEOUT_MS / 1_000} s`);
    });
    await Promise.race([node.established, late]);
    return new HostileNode(node, () => stream);
  }

  /** False: the connection takes no more. */
  write(bytes: Uint8Array): boolean {
    const stream = this.#stream();
    if (stream === null) return false;
    stream.write(bytes);
    return true;
  }

  async end(): Promise<void> {
    this.#stream()?.destroy();
    await this.#node.close().catch(() => undefined);
  }
}
