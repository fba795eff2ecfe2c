/**
 * The working copy of one decision: maps are copied when first written, effects pile up in order. Everything that
 * changes a shard goes through `enterShard`, which knows the legal moves.
 */
import type { Message } from '@dshard/protocol';
import type { HostCall, NodeEffect } from './effects.js';
import type {
  Arrival,
  Cursor,
  Established,
  Lifecycle,
  Link,
  NodeState,
  Permit,
  QueuedMessage,
  ShardCommand,
  ShardState,
  ShardStateKind,
  WaitingCommand,
} from './state.js';

/** The parts of the state that are replaced as a whole. */
type Rest = Pick<
  NodeState,
  'identity' | 'totalShards' | 'leadShard' | 'lifecycle' | 'link' | 'orchestratorEpoch' | 'outbox' | 'versionFailing'
>;

/** What a transaction has to know of each state (shard-states.ts, which is built on transactions). */
type Moves = Readonly<Record<ShardStateKind, { readonly moves: readonly ShardStateKind[]; readonly busy?: true }>>;

export class Transaction {
  readonly #base: NodeState;
  readonly #states: Moves;
  readonly now: number;
  readonly effects: NodeEffect[] = [];
  /** Whether a shard came up in this decision: it runs now, or got its session. */
  cameUp = false;
  #shards: Map<number, ShardState> | null = null;
  #waiting: Map<number, readonly WaitingCommand[]> | null = null;
  #permits: Map<number, Permit> | null = null;
  #arrivals: Map<number, Arrival> | null = null;
  #epochs: Map<number, number> | null = null;
  #rest: Partial<Rest & Pick<NodeState, 'nextId'>> = {};

  constructor(base: NodeState, now: number, states: Moves) {
    this.#base = base;
    this.#states = states;
    this.now = now;
  }

  get limits(): NodeState['limits'] {
    return this.#base.limits;
  }
  get identity(): NodeState['identity'] {
    return this.#rest.identity ?? this.#base.identity;
  }
  get keepsEvents(): boolean {
    return this.#base.keepsEvents;
  }
  get totalShards(): number | null {
    return this.#rest.totalShards ?? this.#base.totalShards;
  }
  get lifecycle(): Lifecycle {
    return this.#rest.lifecycle ?? this.#base.lifecycle;
  }
  get link(): Link {
    return this.#rest.link ?? this.#base.link;
  }
  get orchestratorEpoch(): number {
    return this.#rest.orchestratorEpoch ?? this.#base.orchestratorEpoch;
  }
  get outbox(): readonly QueuedMessage[] {
    return this.#rest.outbox ?? this.#base.outbox;
  }
  get shards(): ReadonlyMap<number, ShardState> {
    return this.#shards ?? this.#base.shards;
  }
  get permits(): ReadonlyMap<number, Permit> {
    return this.#permits ?? this.#base.permits;
  }

  /** The established link, or null. */
  get established(): Established | null {
    return this.link.kind === 'established' ? this.link : null;
  }

  /** It may have been asked to leave, or ask itself: its shards are served as ever. */
  get isServing(): boolean {
    return this.lifecycle.kind === 'serving' || this.lifecycle.kind === 'draining';
  }

  negotiated(capability: string): boolean {
    return this.established?.capabilities.includes(capability) ?? false;
  }

  set(change: Partial<Rest>): void {
    this.#rest = { ...this.#rest, ...change };
  }

  newId(): number {
    const id = this.#rest.nextId ?? this.#base.nextId;
    this.#rest.nextId = id + 1;
    return id;
  }

  effect(effect: NodeEffect): void {
    this.effects.push(effect);
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.effects.push({ kind: 'log', level, text, fields });
  }

  call(request: HostCall): number {
    const call = this.newId();
    this.effect({ kind: 'call', call, request });
    return call;
  }

  shard(shardId: number): ShardState | null {
    return this.shards.get(shardId) ?? null;
  }

  kindOf(shardId: number): ShardStateKind {
    return this.shard(shardId)?.kind ?? 'absent';
  }

  isBusy(shardId: number): boolean {
    return this.#states[this.kindOf(shardId)].busy === true;
  }

  /** The one way a shard changes what it is doing. null: absent. */
  enterShard(shardId: number, next: ShardState | null): void {
    const from = this.kindOf(shardId);
    const to = next?.kind ?? 'absent';
    if (!this.#states[from].moves.includes(to)) {
      throw new Error(`Shard ${shardId} cannot go from ${from} to ${to}.`);
    }
    this.cameUp ||= to === 'running';
    if ((to === 'running' || to === 'unfreezing') && wasAnnounced(this.shard(shardId))) {
      this.effect({ kind: 'stays', shardId });
    }
    this.#writeShard(shardId, next);
  }

  /** Changes the data of the state a shard is in. */
  updateShard(shardId: number, next: ShardState): void {
    const from = this.kindOf(shardId);
    if (from !== next.kind) {
      throw new Error(`Shard ${shardId} is ${from}, so data of ${next.kind} cannot be set.`);
    }
    this.#writeShard(shardId, next);
  }

  #writeShard(shardId: number, next: ShardState | null): void {
    this.#shards ??= new Map(this.#base.shards);
    if (next === null) {
      this.#shards.delete(shardId);
    } else {
      this.#shards.set(shardId, next);
    }
  }

  waitingFor(shardId: number): readonly WaitingCommand[] {
    return (this.#waiting ?? this.#base.waiting).get(shardId) ?? [];
  }

  setWaiting(shardId: number, commands: readonly WaitingCommand[]): void {
    this.#waiting ??= new Map(this.#base.waiting);
    if (commands.length === 0) {
      this.#waiting.delete(shardId);
    } else {
      this.#waiting.set(shardId, commands);
    }
  }

  /** Puts a command behind those that wait for the shard's host call. */
  whenFree(shardId: number, command: ShardCommand): void {
    const connection = this.established?.connection ?? 0;
    this.setWaiting(shardId, [...this.waitingFor(shardId), { command, connection }]);
  }

  /** Takes the next waiting command if it is of that kind: the caller answers it. */
  takeWaiting(shardId: number, kind: ShardCommand['kind']): boolean {
    const [next, ...rest] = this.waitingFor(shardId);
    if (next?.command.kind !== kind) {
      return false;
    }
    this.setWaiting(shardId, rest);
    return true;
  }

  /** Commands of a connection that is gone are nobody's any more. */
  abortAllWaiting(): void {
    this.#waiting = new Map();
  }

  setPermit(shardId: number, permit: Permit | null): void {
    this.#permits ??= new Map(this.#base.permits);
    if (permit === null) {
      this.#permits.delete(shardId);
    } else {
      this.#permits.set(shardId, permit);
    }
  }

  /** 0: none was seen. */
  epochOf(shardId: number): number {
    return (this.#epochs ?? this.#base.epochs).get(shardId) ?? 0;
  }

  setEpoch(shardId: number, epoch: number): void {
    if (epoch !== this.epochOf(shardId)) {
      this.#epochs ??= new Map(this.#base.epochs);
      this.#epochs.set(shardId, epoch);
    }
  }

  arrivalOf(shardId: number): Arrival | null {
    return (this.#arrivals ?? this.#base.arrivals).get(shardId) ?? null;
  }

  setArrival(shardId: number, arrival: Arrival): void {
    this.#arrivals ??= new Map(this.#base.arrivals);
    this.#arrivals.set(shardId, arrival);
  }

  /** Sends at once on the established connection; false when there is none. */
  sendNow(message: Message): boolean {
    const link = this.established;
    if (link === null) {
      return false;
    }
    this.effect({ kind: 'send', connection: link.connection, message });
    return true;
  }

  finish(): NodeState {
    return {
      ...this.#base,
      ...this.#rest,
      shards: this.shards,
      waiting: this.#waiting ?? this.#base.waiting,
      permits: this.permits,
      arrivals: this.#arrivals ?? this.#base.arrivals,
      epochs: this.#epochs ?? this.#base.epochs,
    };
  }
}

/** A session as the orchestrator sent it, for a host. Null when it names none, or a sequence no host could use. */
export function cursorOf(
  session: { sessionId: string; sequence: number | bigint; resumeGatewayUrl: string } | null,
): Cursor | null {
  if (session === null || session.sessionId === '') {
    return null;
  }
  const sequence = Number(session.sequence);
  return Number.isSafeInteger(sequence) && sequence >= 0 ? { ...session, sequence } : null;
}

/** User code was told that the shard leaves. */
function wasAnnounced(shard: ShardState | null): boolean {
  return shard !== null && 'transfer' in shard && 'announced' in shard.transfer && shard.transfer.announced;
}
