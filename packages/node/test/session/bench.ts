/** A node session on a bench: events go in, effects come out, the state can be put into any of its kinds. */
import { CAPABILITIES } from '@dshard/protocol';
import type { Message, MessageKind, MessageOf } from '@dshard/protocol';
import { decide } from '../../src/session/decide.js';
import type { HostCall, NodeEffect } from '../../src/session/effects.js';
import type { HostOutcome, NodeEvent } from '../../src/session/events.js';
import { DEFAULT_LIMITS } from '../../src/session/limits.js';
import type { SessionLimits } from '../../src/session/limits.js';
import { initialState } from '../../src/session/state.js';
import type { Cursor, Incoming, NodeState, Outgoing, ShardState, ShardStateKind } from '../../src/session/state.js';

/** Small enough to be met. */
export const LIMITS: SessionLimits = {
  ...DEFAULT_LIMITS,
  transferWindowBytes: 1_000,
  outboxMessages: 100,
  outboxBytes: 100_000,
  commandsPerShard: 4,
  stagedHighBytes: 1_000,
};

export const SESSION: Cursor = { sessionId: 'abc', sequence: 41, resumeGatewayUrl: 'wss://resume.example' };
export const SHARD = 3;
export const MIGRATION = 'm1';

export const BOUNDS = { lingerMs: 15_000, patienceMs: 60_000, readyMs: 10_000, handlersMs: 1_000 };

export class Bench {
  state: NodeState;
  now = 1_000;
  effects: NodeEffect[] = [];
  connection = 0;

  constructor(limits: Partial<SessionLimits> = {}) {
    this.state = initialState(
      {
        nodeId: 'a',
        version: '1',
        allowBaseLevelOrchestrator: false,
        host: 'h',
        zone: null,
        pid: 1,
        instance: '1-0',
        bounds: BOUNDS,
        capabilities: CAPABILITIES,
      },
      { ...LIMITS, ...limits },
    );
  }

  event(event: NodeEvent): NodeEffect[] {
    const decision = decide(this.state, event, this.now);
    this.state = decision.state;
    this.effects = [...decision.effects];
    return this.effects;
  }

  /** @param nonce of a node that has a token. */
  connected(nonce: Uint8Array | null = null): this {
    if (this.state.link.kind === 'idle') {
      this.event({ kind: 'start' });
    }
    this.event({ kind: 'connected', connection: ++this.connection, nonce });
    return this;
  }

  established(
    capabilities: readonly string[] = CAPABILITIES,
    { heartbeatIntervalMs = 0, totalShards = 16 }: { heartbeatIntervalMs?: number; totalShards?: number } = {},
  ): this {
    this.connected();
    this.message({ kind: 'identified', totalShards, nodeId: 'a', capabilities, heartbeatIntervalMs });
    return this;
  }

  message(message: Message): NodeEffect[] {
    return this.event({ kind: 'message', connection: this.connection, message });
  }

  disconnected(): NodeEffect[] {
    return this.event({ kind: 'disconnected', connection: this.connection, reason: 'cut', jitter: 0 });
  }

  /** Waits out the backoff and connects again. */
  reconnected(capabilities: readonly string[] = CAPABILITIES): this {
    this.now += 60_000;
    this.event({ kind: 'tick' });
    return this.established(capabilities);
  }

  /** Ends the host call of the shard. */
  callEnds(
    outcome: Partial<Omit<Extract<HostOutcome, { ok: true }>, 'ok'>> | { threw: string } | { timedOut: string },
    shardId = SHARD,
  ): NodeEffect[] {
    const shard = this.state.shards.get(shardId);
    if (shard === undefined || !('call' in shard)) {
      throw new Error(`Shard ${shardId} has no call.`);
    }
    const full: HostOutcome =
      'threw' in outcome
        ? { ok: false, timedOut: false, message: outcome.threw }
        : 'timedOut' in outcome
          ? { ok: false, timedOut: true, message: outcome.timedOut }
          : { ok: true, session: null, ...outcome };
    const shardIds = [...this.state.shards]
      .filter(([, each]) => 'call' in each && each.call === shard.call)
      .map(([id]) => id);
    return this.event({ kind: 'callEnded', call: shard.call, shardIds, outcome: full });
  }

  /** Puts the shard into a state, by its data, on the current connection. */
  put(kind: ShardStateKind, shardId = SHARD): this {
    const { connection } = this;
    const session = SESSION;
    const call = 900 + shardId;
    const outgoing: Outgoing = {
      migrationId: MIGRATION,
      connection,
      freezeTimeoutMs: 5_000,
      window: 1_000,
      credit: 1_000,
      events: 0,
      bytes: 0,
      hash: '',
      announced: true,
    };
    const incoming: Incoming = {
      migrationId: MIGRATION,
      connection,
      stage: call,
      received: 0,
      handled: 0,
      bytes: 0,
      hash: '',
      pendingBytes: 0,
      owedCredit: 0,
    };
    const deadline = this.now + 5_000;
    const states: Record<ShardStateKind, ShardState | null> = {
      absent: null,
      starting: { kind: 'starting', call },
      running: { kind: 'running' },
      stopping: { kind: 'stopping', call, why: 'command' },
      baseFreezing: { kind: 'baseFreezing', call, connection },
      baseFrozen: { kind: 'baseFrozen', connection, session, since: this.now },
      baseSending: { kind: 'baseSending', call, connection, session, sent: 2, progressAt: this.now },
      baseReleasing: { kind: 'baseReleasing', call, connection, session, sent: 2 },
      preparing: { kind: 'preparing', call, connection, session, how: null, next: 'stage' },
      staging: {
        kind: 'staging',
        stage: call,
        connection,
        session,
        how: null,
        received: 0,
        handled: 0,
        pendingBytes: 0,
        expected: null,
      },
      resuming: { kind: 'resuming', call, session, why: 'migration' },
      announcing: { kind: 'announcing', call, transfer: outgoing },
      announced: { kind: 'announced', transfer: outgoing },
      offered: { kind: 'offered', transfer: outgoing },
      copying: { kind: 'copying', call, transfer: outgoing },
      copied: { kind: 'copied', transfer: outgoing },
      freezing: { kind: 'freezing', call, transfer: outgoing, copied: true, deadline },
      sendingDelta: { kind: 'sendingDelta', call, transfer: outgoing, session, deadline },
      frozen: { kind: 'frozen', transfer: outgoing, session, deadline },
      unfreezing: { kind: 'unfreezing', call },
      releasing: { kind: 'releasing', call, transfer: outgoing, session },
      released: { kind: 'released', connection, session, migrationId: MIGRATION },
      opening: { kind: 'opening', call, connection, migrationId: MIGRATION, session },
      collecting: { kind: 'collecting', transfer: incoming, session, manifest: null, warmth: 'cold' },
      warming: { kind: 'warming', call, part: 'userCode', transfer: incoming, session },
      verified: { kind: 'verified', transfer: incoming, session },
      activating: { kind: 'activating', call, connection, migrationId: MIGRATION, session },
    };
    const shards = new Map(this.state.shards);
    const state = states[kind];
    if (state === null) {
      shards.delete(shardId);
    } else {
      shards.set(shardId, state);
    }
    this.state = { ...this.state, shards, nextId: 2_000 };
    return this;
  }

  kind(shardId = SHARD): ShardStateKind {
    return this.state.shards.get(shardId)?.kind ?? 'absent';
  }

  /** The messages of the last decision. */
  sent<K extends MessageKind>(kind?: K): MessageOf<K>[] {
    return this.effects
      .filter((effect) => effect.kind === 'send' || effect.kind === 'identify')
      .map((effect) => effect.message)
      .filter((message) => kind === undefined || message.kind === kind) as MessageOf<K>[];
  }

  /** The host calls of the last decision. */
  called(): HostCall[] {
    return this.effects.filter((effect) => effect.kind === 'call').map((effect) => effect.request);
  }

  /** The last decision, in words: for tables. */
  said(): string[] {
    return this.effects.flatMap((effect) => {
      if (effect.kind === 'send') {
        return [`send ${effect.message.kind}`];
      }
      if (effect.kind === 'call') {
        return [`call ${effect.request.method}`];
      }
      if (effect.kind === 'opened') {
        return [`send ${effect.message.kind}`];
      }
      if (effect.kind === 'reading') {
        return [effect.paused ? 'pause' : 'read'];
      }
      return NAMED.has(effect.kind) ? [effect.kind] : [];
    });
  }
}

const NAMED: ReadonlySet<NodeEffect['kind']> = new Set([
  'abortTransfer',
  'credit',
  'preconnect',
  'endPatience',
  'stays',
  'released',
  'abortStaging',
  'handleUserEvent',
  'drained',
  'left',
  'closeConnection',
  'dropConnection',
]);
