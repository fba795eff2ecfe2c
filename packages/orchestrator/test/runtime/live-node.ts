/**
 * A node as a test writes one that knows live migration: as origin it sends what it is given within its credit, as
 * destination it keeps the numbers of what came, gives credit for each event, and can read slowly. It sends heartbeats.
 * No host, no gateway.
 */
import { CAPABILITIES, FIRST_USER_EVENT_ID } from '@dshard/protocol';
import type { GatewaySession, Message, MessageKind, MessageOf } from '@dshard/protocol';
import { digestTransferData, openMessageConnection } from '@dshard/transport';
import type { Address, Clock, MessageConnection, Transport } from '@dshard/transport';
import { identify } from './peer.js';

export type LiveNodeOptions = {
  transport: Transport;
  clock: Clock;
  address: Address;
  runningShards?: readonly number[];
  /** What each shard's state is, made when it is sent. */
  state?: { events: number; body: (shardId: number, index: number) => Uint8Array };
  /** The credit it gives. */
  windowBytes?: number;
  /** Of the fleet, where that is not 4. */
  totalShards?: number;
  /** Why it takes no state. */
  refuses?: string;
  /** Of this shard it sends no state. */
  stuck?: number;
  /** After that many bytes it reads nothing for that long. */
  slow?: { everyBytes: number; pauseMs: number };
};

export type LiveNode = {
  readonly connection: MessageConnection;
  readonly shards: ReadonlySet<number>;
  /** What came of each shard's state, as `index` said, in order of coming. */
  readonly came: ReadonlyMap<number, readonly number[]>;
  readonly bytesCame: number;
  /** Whether the body of an event was ever another than the origin's. */
  readonly isBroken: boolean;
  readonly heartbeats: { sent: number; answered: number };
  /** Of what it received, in order, without the data. */
  readonly heard: readonly MessageKind[];
};

type Sending = {
  migrationId: string;
  index: number;
  credit: number;
  window: number;
  end: number;
  bytes: number;
  hash: string;
};

/** The numbers of that many events, as they have to come. */
export const inOrder = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** State of events that are so large, and can be told from one another. */
export function numbered(bytes: number): (shardId: number, index: number) => Uint8Array {
  return (_, index) => new Uint8Array(bytes).fill(index % 256);
}

export async function liveNode(nodeId: string, options: LiveNodeOptions): Promise<LiveNode> {
  const { clock, address, runningShards = [], windowBytes = 1_024, slow } = options;
  const state = options.state ?? { events: 0, body: () => new Uint8Array() };
  const connection = openMessageConnection(await options.transport.connect(address, { timeoutMs: 5_000 }));
  connection.established();
  const shards = new Set(runningShards);
  const came = new Map<number, number[]>();
  const sending = new Map<number, Sending>();
  const heartbeats = { sent: 0, answered: 0 };
  const heard: MessageKind[] = [];
  let bytesCame = 0;
  let isBroken = false;
  let readSincePause = 0;

  const send = (message: Message): void => void connection.send(message);
  const session = (shardId: number): GatewaySession => ({
    sessionId: `session-${shardId}`,
    sequence: 7,
    resumeGatewayUrl: '',
  });

  /** Within the credit; an event larger than the window goes when all of it is free. */
  const flow = (shardId: number, one: Sending): void => {
    while (one.index < one.end) {
      const { migrationId, index } = one;
      const body = state.body(shardId, index);
      if (one.credit < Math.min(body.byteLength, one.window)) return;
      one.index += 1;
      one.credit -= body.byteLength;
      one.bytes += body.byteLength;
      one.hash = digestTransferData(one.hash, { index, eventId: FIRST_USER_EVENT_ID, body });
      send({ kind: 'transferData', migrationId, shardId, index, eventId: FIRST_USER_EVENT_ID, body });
      if (one.index === one.end) send({ kind: 'transferCopied', migrationId, shardId, events: one.end, bytes: 0 });
    }
  };

  const take = ({ migrationId, shardId, index, body }: MessageOf<'transferData'>): void => {
    const numbers = came.get(shardId) ?? [];
    came.set(shardId, numbers);
    isBroken ||= numbers.length !== index || body[0] !== index % 256;
    numbers.push(index);
    bytesCame += body.byteLength;
    readSincePause += body.byteLength;
    send({ kind: 'transferCredit', migrationId, shardId, bytes: body.byteLength });
    if (slow === undefined || readSincePause < slow.everyBytes) return;
    readSincePause = 0;
    connection.pauseReading();
    clock.after(slow.pauseMs, () => connection.resumeReading());
  };

  const answers: { [K in MessageKind]?: (message: MessageOf<K>) => void } = {
    heartbeatAck: () => {
      heartbeats.answered += 1;
    },
    shardLeaving: ({ migrationId, shardId }) => send({ kind: 'shardMayLeave', migrationId, shardId }),
    shutdown: ({ final }) => {
      send({ kind: 'shutdown', final, sessions: [] });
      connection.close({ code: 'DSO_CONNECTION_CLOSED', message: 'The node ends.' });
    },
    transferWarmUp: ({ migrationId, shardId }) => send({ kind: 'transferWarm', migrationId, shardId }),
    transferOpen: ({ migrationId, shardId, role }) => {
      const begun = { migrationId, index: 0, credit: 0, window: 0, end: state.events, bytes: 0, hash: '' };
      if (role === 'origin') sending.set(shardId, begun);
      const creditBytes = role === 'origin' ? 0 : windowBytes;
      send({ kind: 'transferOpened', migrationId, shardId, session: session(shardId), creditBytes });
    },
    transferCopy: ({ shardId, creditBytes }) => {
      const one = sending.get(shardId);
      if (one === undefined || shardId === options.stuck) return;
      one.credit = creditBytes;
      one.window = creditBytes;
      flow(shardId, one);
    },
    transferCredit: ({ shardId, bytes }) => {
      const one = sending.get(shardId);
      if (one === undefined) return;
      one.credit += bytes;
      flow(shardId, one);
    },
    transferFreeze: ({ migrationId, shardId }) => {
      const { bytes = 0, hash = '' } = sending.get(shardId) ?? {};
      const manifest = { events: state.events, bytes, hash, session: session(shardId) };
      send({ kind: 'transferManifest', migrationId, shardId, ...manifest });
    },
    transferData: take,
    transferManifest: ({ migrationId, shardId, events }) => {
      if (options.refuses !== undefined) {
        send({ kind: 'transferFailed', migrationId, shardId, step: 'transferManifest', reason: options.refuses });
        came.delete(shardId);
        return;
      }
      const ok = (came.get(shardId)?.length ?? 0) === events;
      send({ kind: 'transferVerified', migrationId, shardId, ok, reason: '' });
    },
    transferRelease: ({ migrationId, shardId }) => {
      shards.delete(shardId);
      send({ kind: 'transferReleased', migrationId, shardId });
    },
    transferActivate: ({ migrationId, shardId }) => {
      shards.add(shardId);
      send({ kind: 'transferActivated', migrationId, shardId, resumed: true });
    },
  };

  // As a real node does, once it is let in.
  answers.identified = () => beat();
  const receive = <K extends MessageKind>(message: MessageOf<K>): void => {
    if (message.kind !== 'transferData' && message.kind !== 'transferCredit') heard.push(message.kind);
    answers[message.kind]?.(message);
  };

  const beat = (): void => {
    const process = { memoryBytes: 1, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: 1 };
    const reports = [...shards].map((shardId) => ({
      shardId,
      phase: 'ready' as const,
      pingMs: 1,
      guilds: 1,
      events: 0,
      session: session(shardId),
    }));
    heartbeats.sent += 1;
    send({ kind: 'heartbeat', sequence: heartbeats.sent, shards: reports, process });
  };
  const cancel = clock.every(5_000, beat);
  connection.handle({ onMessage: receive, onClose: cancel });
  send(
    identify(nodeId, {
      capabilities: CAPABILITIES,
      runningShards,
      totalShards: runningShards.length === 0 ? 0 : (options.totalShards ?? 4),
    }),
  );

  return {
    connection,
    shards,
    came,
    heartbeats,
    heard,
    get bytesCame() {
      return bytesCame;
    },
    get isBroken() {
      return isBroken;
    },
  };
}
