/**
 * A node as the domain sees one: answers every command as the protocol asks, keeps closed sessions until it hears that
 * the migration is confirmed, and can be told to misbehave. No time of its own: what it sends is put into its outbox at
 * once, and a heartbeat is the clock by which it unfreezes. Its side of a live migration is in `model-transfers.ts`.
 */
import { CAPABILITIES } from '@dshard/protocol';
import type {
  GatewaySession,
  Identify,
  Message,
  MessageKind,
  MessageOf,
  NodeSignals,
  ShardReport,
} from '@dshard/protocol';

import { ModelTransfers } from './model-transfers.js';

/** Of a node of ours whose shards do not move live, as where the other end is a Go peer. */
export const OLDER_CAPABILITIES: readonly string[] = CAPABILITIES.filter(
  (capability) => capability !== 'live-migration',
);

/** Each model is a process of its own. */
let processes = 0;

export type ModelNodeOptions = {
  id: string;
  baseLevel?: boolean;
  capabilities?: readonly string[];
  token?: string;
  /** Which process it is. null: it does not say, as nodes of before. */
  instance?: string | null;
  /** Another launcher's, or another host's. */
  elsewhere?: boolean;
  /** null: it names none. */
  host?: string | null;
};

export class ModelNode {
  id: string;
  readonly baseLevel: boolean;
  readonly capabilities: readonly string[];
  readonly instance: string | null;
  readonly elsewhere: boolean;
  readonly host: string | null;
  totalShards = 0;
  readonly running = new Set<number>();
  /** Closed, migration not confirmed. */
  readonly retained = new Map<number, GatewaySession>();
  /** Taking over: waiting for the user data. */
  /** In the middle of a replay that a dead node may have handled. */
  readonly redelivering = new Set<number>();
  readonly prepared = new Map<number, { session: GatewaySession; userEvents: number }>();
  /** What its heartbeats say of its version; null: nothing. */
  signals: NodeSignals | null = null;
  uptimeMs = 1;
  memoryBytes = 1;
  /** The process lives. */
  alive = true;
  connection: string | null = null;
  outbox: Message[] = [];
  readonly received: Message[] = [];
  /** Commands of these kinds are swallowed. */
  readonly mute = new Set<MessageKind>();
  /** Commands of these kinds are answered with commandFailed. */
  readonly fail = new Set<MessageKind>();
  /** How many user events it hands over with a shard. */
  userEventsPerShard = 2;
  /** How many IDENTIFYs and RESUMEs it did. */
  identifies: number[] = [];
  /** Each shard it spoke for in a fleet call, as often as it did. */
  readonly callsAnswered: number[] = [];
  resumes: number[] = [];
  ended = false;
  /** What it is at when it is told to shut down takes a while: it says goodbye, and does not hang up. */
  lingers = false;
  /** No RESUME is answered; what waits for one is named in heartbeats, and goes on in `discordIsBack`. */
  discordIsAway = false;
  readonly resuming = new Map<number, () => void>();
  /** The highest epoch it knows, by shard. */
  readonly epochs = new Map<number, number>();
  /** What it says of the gateway connections of shards that are not up. */
  readonly phases = new Map<number, Partial<Pick<ShardReport, 'phase' | 'refused' | 'reason' | 'events' | 'guilds'>>>();
  orchestratorEpoch = 0;
  readonly transfers: ModelTransfers = new ModelTransfers(this);

  constructor({ id, baseLevel = false, capabilities, instance, elsewhere = false, host = null }: ModelNodeOptions) {
    this.elsewhere = elsewhere;
    this.host = host;
    this.id = id;
    this.baseLevel = baseLevel;
    this.instance = instance === undefined && !baseLevel ? `process ${(processes += 1)}` : (instance ?? null);
    this.capabilities = capabilities ?? (baseLevel ? [] : CAPABILITIES);
  }

  can(capability: string): boolean {
    return this.capabilities.includes(capability);
  }

  identify(): Identify {
    const runningEpochs = [...this.running, ...this.resuming.keys()].map((shard) => this.epochs.get(shard) ?? 0);
    const epochs = { runningEpochs, orchestratorEpoch: this.orchestratorEpoch };
    return {
      ...(this.can('epochs') ? epochs : {}),
      ...(this.instance === null ? {} : { instance: this.instance }),
      kind: 'identify',
      totalShards: this.totalShards,
      runningShards: [...this.running, ...this.resuming.keys()],
      version: 'v1',
      nodeId: this.id,
      logicVersion: 2,
      capabilities: this.capabilities,
      host: this.host,
      pid: null,
      heldSessions: this.can('sessions')
        ? [...this.retained].map(([shardId, session]) => ({ shardId, ...session }))
        : [],
    };
  }

  send(message: Message): void {
    if (this.connection !== null) this.outbox.push(message);
  }

  heartbeat(sequence: number): void {
    this.transfers.beat();
    if (!this.can('heartbeat')) return;
    this.send({
      kind: 'heartbeat',
      sequence,
      shards: [
        ...[...this.running].map((shardId) =>
          this.#report(shardId, this.transfers.frozen.has(shardId) ? 'frozen' : 'ready', this.session(shardId)),
        ),
        ...[...this.resuming.keys()].map((shardId) => this.#report(shardId, 'resuming', this.session(shardId))),
        ...[...this.retained.keys()].map((shardId) => this.#report(shardId, 'frozen', null)),
      ],
      process: { memoryBytes: this.memoryBytes, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: this.uptimeMs },
      ...(this.signals !== null && { signals: this.signals }),
    });
  }

  #report(shardId: number, phase: 'ready' | 'frozen' | 'resuming', session: GatewaySession | null): ShardReport {
    const told = { shardId, phase, pingMs: 1, guilds: 1, events: 0, session, ...this.phases.get(shardId) };
    return this.can('epochs') ? { ...told, epoch: this.epochs.get(shardId) ?? 0 } : told;
  }

  /** Resumes the shard, as soon as Discord is there. */
  resumeWhenThere(shardId: number, resumed: () => void): void {
    const resume = (): void => {
      this.resuming.delete(shardId);
      this.running.add(shardId);
      this.resumes.push(shardId);
      resumed();
    };
    if (this.discordIsAway) this.resuming.set(shardId, resume);
    else resume();
  }

  discordIsBack(): void {
    this.discordIsAway = false;
    for (const resume of this.resuming.values()) resume();
  }

  /** What was under way with the orchestrator is off. */
  connectionLost(): void {
    this.transfers.forget();
  }

  /** The process is gone: so is everything it had. */
  die(): void {
    this.alive = false;
    this.connection = null;
    this.outbox = [];
    this.running.clear();
    this.retained.clear();
    this.prepared.clear();
    this.resuming.clear();
    this.epochs.clear();
    this.transfers.forget();
  }

  /** @throws when it is told something under an epoch that is over: links keep the order, so that is never right. */
  #noteEpochs(message: Message): void {
    if (!this.can('epochs')) return;
    const told: (readonly [number, number | undefined])[] =
      message.kind === 'startShards'
        ? message.shardIds.map((shard, index) => [shard, message.epochs?.[index]])
        : message.kind === 'resumeShards'
          ? message.shards.map(({ shardId, epoch }) => [shardId, epoch] as const)
          : message.kind === 'stopShard' || message.kind === 'prepareMigration' || message.kind === 'transferOpen'
            ? [[message.shardId, message.epoch]]
            : [];
    for (const [shard, epoch] of told) {
      if (epoch === undefined) throw new Error(`${message.kind} of shard ${shard} came without an epoch`);
      const seen = this.epochs.get(shard) ?? 0;
      // What was only on its way here may be stopped under the epoch of where it is.
      if (message.kind === 'stopShard' && !this.running.has(shard)) continue;
      if (epoch < seen) throw new Error(`${message.kind} of shard ${shard} came under epoch ${epoch} after ${seen}`);
      this.epochs.set(shard, epoch);
    }
  }

  receive(message: Message): void {
    this.received.push(message);
    this.#noteEpochs(message);
    if (this.mute.has(message.kind)) return;
    if (this.fail.has(message.kind) && 'migrationId' in message) {
      this.transfers.refuse(message, `cannot ${message.kind}`);
      return;
    }
    if (this.fail.has(message.kind) && message.kind === 'resumeShards') {
      for (const { shardId } of message.shards) this.#failed(message.kind, shardId);
      return;
    }
    const [staged] = this.prepared.keys();
    if (this.fail.has(message.kind) && message.kind === 'allUserDataSent' && staged !== undefined) {
      this.#failed(message.kind, staged);
      return;
    }
    if (this.fail.has(message.kind) && 'shardId' in message && message.shardId !== null) {
      this.#failed(message.kind, message.shardId);
      return;
    }
    if ('migrationId' in message) {
      this.transfers.receive(message);
      return;
    }
    switch (message.kind) {
      case 'callAsk':
        this.#answer(message);
        break;
      case 'identified':
        this.id = message.nodeId;
        this.totalShards = message.totalShards;
        this.orchestratorEpoch = message.orchestratorEpoch ?? this.orchestratorEpoch;
        break;
      case 'startShards':
        for (const shard of message.shardIds) this.#start(shard);
        break;
      case 'resumeShards':
        for (const { shardId } of message.shards) {
          this.retained.delete(shardId);
          this.resumeWhenThere(shardId, () => this.send({ kind: 'startShards', shardIds: [shardId] }));
        }
        break;
      case 'stopShard':
        this.#stop(message.shardId);
        break;
      case 'shardTakenOver':
        if (message.epoch <= (this.epochs.get(message.shardId) ?? 0)) break;
        this.epochs.set(message.shardId, message.epoch);
        this.#stop(message.shardId);
        break;
      case 'prepareMigration':
        if (message.origin) this.#close(message.shardId);
        else if (message.session !== null) this.#prepare(message.shardId, message.session);
        break;
      case 'startMigration':
        this.#transfer(message.shardId);
        break;
      case 'userEvent':
        for (const prepared of this.prepared.values()) prepared.userEvents += 1;
        break;
      case 'allUserDataSent':
        this.#resume([...this.prepared.keys()][0], message.numEvents);
        break;
      case 'identifyGranted':
        this.identifies.push(message.shardId);
        this.send({ kind: 'identifyFinished', shardId: message.shardId, ready: true });
        // A node tells at once that a shard is up.
        this.heartbeat(0);
        break;
      case 'shutdown':
        this.#shutdown();
        break;
      case 'rejected':
      case 'heartbeatAck':
      case 'identify':
      case 'challenge':
      case 'proof':
      case 'heartbeat':
      case 'commandFailed':
      case 'identifyRequest':
      case 'identifyFinished':
      case 'callStart':
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
        break;
    }
  }

  #failed(command: string, shardId: number): void {
    if (this.can('sessions')) {
      if (command === 'prepareMigration' || command === 'allUserDataSent') this.prepared.delete(shardId);
      this.send({ kind: 'commandFailed', command, shardId, message: `cannot ${command}` });
    }
  }

  session(shard: number): GatewaySession {
    return { sessionId: `session-${shard}`, sequence: 10, resumeGatewayUrl: '' };
  }

  #givenBack(shard: number): GatewaySession {
    return this.redelivering.has(shard) ? { ...this.session(shard), redelivers: true } : this.session(shard);
  }

  /** The value is what it speaks for, so that a test sees that the two fit. */
  #answer({ askId, each, shards }: MessageOf<'callAsk'>): void {
    const mine = [...this.running].toSorted((a, b) => a - b);
    const spoken = each === 'node' ? [mine] : mine.filter((shard) => shards.includes(shard)).map((shard) => [shard]);
    const answers = spoken
      .filter((some) => some.length > 0)
      .map((some) => ({ shards: some, value: new TextEncoder().encode(JSON.stringify(some)), error: null }));
    this.callsAnswered.push(...answers.flatMap((answer) => answer.shards));
    this.send({ kind: 'callAnswer', askId, answers });
  }

  #start(shard: number): void {
    const isRetained = this.retained.delete(shard);
    this.prepared.delete(shard);
    this.transfers.drop(shard);
    if (isRetained) {
      this.running.add(shard);
      this.resumes.push(shard);
    } else if (!this.running.has(shard)) {
      this.running.add(shard);
      if (this.can('identify-permits')) this.send({ kind: 'identifyRequest', shardId: shard });
      else this.identifies.push(shard);
    }
    this.send({ kind: 'startShards', shardIds: [shard] });
  }

  #stop(shard: number): void {
    const had = this.running.delete(shard) || this.retained.delete(shard) || this.resuming.delete(shard);
    this.prepared.delete(shard);
    this.transfers.drop(shard);
    const session = had && this.can('sessions') ? this.#givenBack(shard) : null;
    this.send({ kind: 'stopShard', shardId: shard, session });
  }

  /** One of ours only freezes the shard. */
  #close(shard: number): void {
    if (!this.running.has(shard)) {
      this.#failed('prepareMigration', shard);
      return;
    }
    const session = this.session(shard);
    if (this.baseLevel) {
      this.running.delete(shard);
      this.retained.set(shard, session);
    }
    this.send({ kind: 'prepareMigration', origin: true, shardId: shard, session });
  }

  #prepare(shard: number, session: GatewaySession): void {
    this.prepared.set(shard, { session, userEvents: 0 });
    this.send({ kind: 'prepareMigration', origin: false, shardId: shard, session: null });
  }

  #transfer(shard: number): void {
    for (let event = 0; event < this.userEventsPerShard; event += 1) {
      this.send({ kind: 'userEvent', eventId: 100, body: new Uint8Array([event]) });
    }
    this.send({ kind: 'allUserDataSent', numEvents: this.userEventsPerShard });
    this.retained.delete(shard);
    this.running.delete(shard);
  }

  #resume(shard: number | undefined, numEvents: number): void {
    const prepared = shard === undefined ? undefined : this.prepared.get(shard);
    if (shard === undefined || prepared === undefined || prepared.userEvents !== numEvents) return;
    this.prepared.delete(shard);
    this.retained.delete(shard);
    this.resumeWhenThere(shard, () => this.send({ kind: 'startShards', shardIds: [shard] }));
  }

  #shutdown(): void {
    const sessions = this.can('sessions')
      ? [...this.running, ...this.retained.keys()].map((shardId) => ({ shardId, ...this.#givenBack(shardId) }))
      : [];
    this.running.clear();
    this.retained.clear();
    this.prepared.clear();
    this.resuming.clear();
    this.transfers.forget();
    this.ended = !this.lingers;
    this.send({ kind: 'shutdown', final: false, sessions });
  }
}
