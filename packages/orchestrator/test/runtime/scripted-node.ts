/**
 * A node as a test writes one: it identifies itself, answers what it is told the way a real node does, and keeps
 * everything it received. Answers go out in the order of the questions.
 */
import { FIRST_USER_EVENT_ID } from '@dshard/protocol';
import type { GatewaySession, Identify, Message, MessageKind, MessageOf } from '@dshard/protocol';
import { openMessageConnection } from '@dshard/transport';
import type { Address, ConnectionEnd, MessageConnection, Transport } from '@dshard/transport';
import { bareIdentify, identify, proofOf } from './peer.js';

export type ScriptedNode = {
  readonly connection: MessageConnection;
  readonly received: readonly Message[];
  readonly end: ConnectionEnd | null;
  /** Shards it runs by its own account. */
  readonly shards: ReadonlySet<number>;
  receivedOf<K extends MessageKind>(kind: K): MessageOf<K>[];
};

export type ScriptedNodeOptions = {
  transport: Transport;
  address: Address;
  /** User events it sends for a shard that moves away. */
  userEvents?: readonly Uint8Array[];
  /** It proves that it knows this one. */
  token?: string;
} & Partial<Identify>;

/** Neither heartbeats nor permits: nothing a script would have to do by itself. */
const CAPABILITIES = ['auth-hmac', 'sessions'];

const sessionOf = (shardId: number): GatewaySession => ({
  sessionId: `session-${shardId}`,
  sequence: 100 + shardId,
  resumeGatewayUrl: 'ws://resume/',
});

export async function scriptedNode(nodeId: string, options: ScriptedNodeOptions): Promise<ScriptedNode> {
  const { transport, address, userEvents = [], token, ...more } = options;
  const hello = identify(nodeId, { capabilities: CAPABILITIES, ...more });
  const extended = hello.capabilities.includes('sessions');
  const connection = openMessageConnection(await transport.connect(address, { timeoutMs: 5_000 }));
  connection.established();
  const received: Message[] = [];
  const shards = new Set(hello.runningShards);
  /** User events of the one shard that moves by the base level. */
  let passed = 0;
  let moving = -1;
  let end: ConnectionEnd | null = null;

  const answer = (message: Message): void => {
    // This script knows no live migration, and does not name the capability.
    if ('migrationId' in message) return;
    switch (message.kind) {
      case 'startShards':
        for (const shardId of message.shardIds) shards.add(shardId);
        connection.send(message);
        return;
      case 'stopShard':
        shards.delete(message.shardId);
        connection.send({ ...message, session: extended ? sessionOf(message.shardId) : null });
        return;
      case 'prepareMigration':
        if (message.origin) shards.delete(message.shardId);
        else moving = message.shardId;
        connection.send({ ...message, session: message.origin ? sessionOf(message.shardId) : message.session });
        return;
      case 'startMigration': {
        const eventId = FIRST_USER_EVENT_ID;
        for (const body of userEvents) connection.send({ kind: 'userEvent', eventId, body });
        connection.send({ kind: 'allUserDataSent', numEvents: userEvents.length });
        return;
      }
      case 'userEvent':
        passed += 1;
        return;
      case 'allUserDataSent':
        if (passed !== message.numEvents) return;
        passed = 0;
        shards.add(moving);
        connection.send({ kind: 'startShards', shardIds: [moving] });
        return;
      case 'shutdown':
        connection.send({
          ...message,
          sessions: extended ? [...shards].map((id) => ({ ...sessionOf(id), shardId: id })) : [],
        });
        shards.clear();
        connection.close({ code: 'DONE', message: 'done' });
        return;
      case 'challenge':
        connection.send(proofOf(token ?? '', message, hello));
        return;
      case 'proof':
      case 'resumeShards':
      case 'identify':
      case 'identified':
      case 'rejected':
      case 'heartbeat':
      case 'heartbeatAck':
      case 'commandFailed':
      case 'identifyRequest':
      case 'identifyGranted':
      case 'identifyFinished':
      case 'shardTakenOver':
      case 'callStart':
      case 'callAsk':
      case 'callAnswer':
      case 'callEnded':
      case 'jobMark':
      case 'jobMarked':
      case 'rolloutRequest':
      case 'rolloutAnswer':
      case 'versionHealth':
      case 'notLeader':
      case 'leave':
      case 'shutdownNoted':
    }
  };

  connection.handle({
    onMessage: (message) => {
      received.push(message);
      answer(message);
    },
    onClose: (reason) => {
      end = reason;
    },
  });
  connection.send(token === undefined ? hello : bareIdentify(nodeId, hello));

  return {
    connection,
    received,
    shards,
    get end() {
      return end;
    },
    receivedOf: <K extends MessageKind>(kind: K) =>
      received.filter((message): message is MessageOf<K> => message.kind === kind),
  };
}
