/** The other side of the control connection, for tests: listens, records, says what it is told to say. */
import { CAPABILITIES } from '@dshard/protocol';
import type { Message, MessageKind, MessageOf } from '@dshard/protocol';
import { openMessageConnection } from '@dshard/transport';
import type { Listener, MessageConnection, Transport } from '@dshard/transport';

export type Greeting = {
  capabilities: readonly string[];
  totalShards: number;
  heartbeatIntervalMs: number;
  nodeId: string | null;
  leaseMs?: number;
  leadShard?: number;
};

export const EXTENDED: Greeting = { capabilities: CAPABILITIES, totalShards: 16, heartbeatIntervalMs: 0, nodeId: null };
/** What a Go orchestrator says. */
export const BASE_LEVEL: Greeting = { ...EXTENDED, capabilities: [] };

/** One connection of a node, as the orchestrator sees it. */
export class Peer {
  readonly received: Message[] = [];
  closed = false;
  readonly #connection: MessageConnection;

  constructor(connection: MessageConnection, greet: (peer: Peer, message: Message) => void) {
    this.#connection = connection;
    connection.handle({
      onMessage: (message) => {
        this.received.push(message);
        greet(this, message);
      },
      onClose: () => {
        this.closed = true;
      },
    });
  }

  send(message: Message): void {
    this.#connection.send(message);
  }

  established(): void {
    this.#connection.established();
  }

  pauseReading(): void {
    this.#connection.pauseReading();
  }

  resumeReading(): void {
    this.#connection.resumeReading();
  }

  cut(): void {
    this.#connection.destroy({ code: 'TEST', message: 'cut by the test' });
  }

  of<K extends MessageKind>(kind: K): MessageOf<K>[] {
    return this.received.filter((message): message is MessageOf<K> => message.kind === kind);
  }
}

export class FakeOrchestrator {
  readonly peers: Peer[] = [];
  /** null: an Identify is for `onMessage`, too. */
  greeting: Greeting | null;
  /** Called with each message after the Identify. */
  onMessage: (peer: Peer, message: Message) => void = () => undefined;
  #listener: Listener | null = null;

  constructor(greeting: Greeting | null = EXTENDED) {
    this.greeting = greeting;
  }

  async listen(transport: Transport, address: string): Promise<string> {
    this.#listener = await transport.listen(address, (stream) => {
      this.peers.push(new Peer(openMessageConnection(stream), (peer, message) => this.#on(peer, message)));
    });
    return this.#listener.address;
  }

  #on(peer: Peer, message: Message): void {
    if (message.kind !== 'identify') {
      this.onMessage(peer, message);
      return;
    }
    peer.established();
    if (this.greeting === null) this.onMessage(peer, message);
    else {
      const nodeId = this.greeting.nodeId ?? message.nodeId;
      peer.send({ ...this.greeting, kind: 'identified', nodeId });
    }
  }

  /** The latest connection. */
  get peer(): Peer {
    const peer = this.peers.at(-1);
    if (peer === undefined) {
      throw new Error('No node has connected.');
    }
    return peer;
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    for (const peer of this.peers) {
      peer.cut();
    }
  }
}
