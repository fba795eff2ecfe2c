/**
 * The domain with a small world around it: model nodes on ordered links, a launcher, Discord's /gateway/bot, and a
 * clock that only moves when a test says so. After every event the invariants are checked, and that deciding the same
 * moment again changes nothing.
 */
import type { Identify, Message, MessageKind, ShardToResume } from '@dshard/protocol';
import type { CommandResult, OperatorCommand } from '../../src/domain/state/commands.js';
import { decide, initialState } from '../../src/domain/decide.js';
import type { JsonValue } from '../../src/domain/durable/records.js';
import { restoredState } from '../../src/domain/durable/restore.js';
import { correctingWrites, durableWrites } from '../../src/domain/durable/writes.js';
import type { Effect, HistoryEntry, HistoryName } from '../../src/domain/state/effects.js';
import type { DomainEvent, Peer } from '../../src/domain/state/events.js';
import { assertInvariants } from '../../src/domain/invariants.js';
import { assertStep } from '../../src/domain/step-invariants.js';
import { defaultSettings } from '../../src/config/settings.js';
import type { Settings } from '../../src/domain/state/settings.js';
import type { OrchestratorState, ShardState } from '../../src/domain/state/state.js';
import { ModelNode } from './model-node.js';
import type { ModelNodeOptions } from './model-node.js';

const quickSettings: Settings = defaultSettings({
  totalShards: 4,
  maxNodeDowntimeMs: 30_000,
  launchRetryMs: 30_000,
  expectedNodes: [],
  migrationStepTimeoutMs: 20_000,
  migrationsTotal: 8,
  maxUnavailable: { percent: 100 },
  budgetTimeoutMs: 60_000,
  commandTimeoutMs: 15_000,
  // Tests that are not about that count moves.
  rebalance: 'off',
});

export function drain(
  origins: string | readonly string[],
  destination: string | null,
  { shutdown = false, deadline = null }: { shutdown?: boolean; deadline?: number | null } = {},
): OperatorCommand {
  const plan = { kind: 'drain', origins: [origins].flat(), destination, shutdown, deadline } as const;
  return { kind: 'startOperation', plan, answer: 'ended' };
}

export const rollout: OperatorCommand = { kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' };

export const nearby: Peer = { remote: '127.0.0.1', loopback: true, proof: 'right' };

/** `total` and `remaining`: session starts, 1000 of each by default. */
type GatewayAnswer = {
  shards: number;
  maxConcurrency: number;
  total?: number;
  remaining?: number;
  resetAfterMs?: number;
};

export type WorldOptions = Partial<Settings> & {
  /** What /gateway/bot answers; null: it fails. */
  gateway?: GatewayAnswer | null;
  /** What launches become; 'connect' by default. */
  launches?: 'connect' | 'fail' | 'hang' | 'die';
};

export class World {
  now = 1_000_000;
  state: OrchestratorState;
  gateway: GatewayAnswer | null;
  launches: 'connect' | 'fail' | 'hang' | 'die';
  readonly nodes = new Map<string, ModelNode>();
  /** The requests of all commands. */
  readonly asked = new Set<string>();
  readonly replies = new Map<string, CommandResult>();
  readonly entries: HistoryEntry[] = [];
  /** Everything sent, in order. */
  readonly sent: { node: string; message: Message }[] = [];
  /** What the orchestrator's own end of a migration was told. */
  readonly parkHeard: Extract<Effect, { kind: 'park' }>[] = [];
  /** The store, by `kind/key`. */
  readonly records = new Map<string, { kind: string; key: string; value: JsonValue }>();
  readonly closed: { connection: string; code: string }[] = [];
  /** What is to be delivered: per open connection toward the node, and events from outside. */
  readonly #toNode = new Map<string, Message[]>();
  readonly #byConnection = new Map<string, ModelNode>();
  readonly #outside: DomainEvent[] = [];
  #wakeAt: number | null = null;
  #nextConnection = 1;
  #nextRequest = 1;
  #launched = 0;
  /** Of which nodes the launcher was to end the process. */
  readonly endedProcesses: string[] = [];
  /** How /gateway/bot fails where it does, and who hears that it is asked. */
  failure: Omit<Extract<DomainEvent, { kind: 'gatewayInfoFailed' }>, 'kind'> = { reason: 'no route' };
  onAsked: () => void = () => undefined;
  /** What launched nodes say that they are. */
  launchedVersion = 'v1';
  /** What the launcher's host has left. */
  availableBytes: number | null = null;
  #heartbeats = 0;
  #lastHeartbeatAt = this.now;

  constructor({ gateway = { shards: 4, maxConcurrency: 16 }, launches = 'connect', ...settings }: WorldOptions = {}) {
    this.gateway = gateway;
    this.launches = launches;
    this.state = initialState({ ...quickSettings, ...settings }, this.now);
  }

  /** Starts the orchestrator and lets everything settle. */
  start(): this {
    this.feed({ kind: 'started' });
    this.settle();
    return this;
  }

  // What happens to the orchestrator

  feed(event: DomainEvent): readonly Effect[] {
    const before = this.state;
    const decision = decide(before, event, this.now);
    this.state = decision.state;
    assertInvariants(this.state);
    assertStep(before, this.state);
    this.#journal(before);
    for (const effect of decision.effects) this.#execute(effect);
    this.#mustBeAtRest(event);
    return decision.effects;
  }

  /** What is in the store: what a decision writes is durable before its effects. */
  #journal(before: OrchestratorState): void {
    for (const { kind, key, value } of durableWrites(before, this.state)) {
      if (value === null) this.records.delete(`${kind}/${key}`);
      else this.records.set(`${kind}/${key}`, { kind, key, value: JSON.parse(JSON.stringify(value)) });
    }
  }

  /**
   * kill -9 of the orchestrator, and a new one on the same store. Every connection is gone; nodes live on and connect
   * when a test says so. @param last what it still decided and journaled, but did not get to do.
   */
  crash(last?: DomainEvent): void {
    if (last !== undefined) {
      const before = this.state;
      this.state = decide(before, last, this.now).state;
      this.#journal(before);
    }
    for (const node of this.nodes.values()) {
      if (node.connection !== null) this.#forget(node.connection);
      node.connection = null;
      node.outbox = [];
      // Its process ends meanwhile; the launcher knows.
      if (node.ended) node.die();
    }
    this.#outside.length = 0;
    this.#wakeAt = null;
    const dead = [...this.nodes.values()].filter(({ alive }) => !alive).map(({ id }) => id);
    const before = this.state;
    const { state, warnings } = restoredState(before.settings, [...this.records.values()], this.now, dead);
    if (warnings.length > 0) throw new Error(warnings.join('\n'));
    this.state = state;
    assertInvariants(this.state);
    for (const { kind, key, value } of correctingWrites([...this.records.values()], state)) {
      if (value === null) this.records.delete(`${kind}/${key}`);
      else this.records.set(`${kind}/${key}`, { kind, key, value });
    }
    // The launcher keeps a list of what it has started.
    for (const { node, pid } of before.processes.values()) {
      if (!dead.includes(node)) this.feed({ kind: 'processAdopted', node, pid });
    }
    this.feed({ kind: 'started' });
  }

  #mustBeAtRest(event: DomainEvent): void {
    if (event.kind === 'message') return;
    const again = decide(this.state, { kind: 'started' }, this.now).effects.filter(
      (effect) => effect.kind !== 'record' || effect.entry.name !== 'orchestratorStarted',
    );
    if (again.length > 0) throw new Error(`not at rest after ${JSON.stringify(event)}: ${JSON.stringify(again)}`);
  }

  command(command: OperatorCommand): string {
    const request = `request-${this.#nextRequest++}`;
    this.asked.add(request);
    const { availableBytes } = this;
    this.feed({ kind: 'command', request, command, by: 'alice', availableBytes });
    return request;
  }

  /** A command, everything that follows without time passing, and its answer. */
  ask(command: OperatorCommand): CommandResult | undefined {
    const request = this.command(command);
    this.settle();
    return this.replies.get(request);
  }

  /** This version is deployed. */
  version(version: string): void {
    this.launchedVersion = version;
    this.feed({ kind: 'versionDeployed', version });
  }

  // Nodes

  /** A new node connects; delivered at once. */
  join(options: ModelNodeOptions | string, identify: Partial<Identify> = {}, peer: Peer = nearby): ModelNode {
    const node = new ModelNode(typeof options === 'string' ? { id: options } : options);
    this.nodes.set(node.id, node);
    this.connect(node, identify, peer);
    if (this.state.settings.canLaunch && !node.elsewhere) {
      // The launcher of an earlier run started it.
      this.feed({ kind: 'processAdopted', node: node.id, pid: 10_000 + this.nodes.size });
    }
    return node;
  }

  connect(node: ModelNode, identify: Partial<Identify> = {}, peer: Peer = nearby): string {
    const connection = `c${this.#nextConnection++}`;
    if (node.connection !== null) this.#forget(node.connection);
    node.connectionLost();
    node.connection = connection;
    node.outbox = [];
    this.#toNode.set(connection, []);
    this.#byConnection.set(connection, node);
    this.feed({ kind: 'identify', connection, message: { ...node.identify(), ...identify }, peer });
    return connection;
  }

  /** The connection breaks; the process lives. */
  disconnect(node: ModelNode): void {
    const { connection } = node;
    if (connection === null) return;
    this.#forget(connection);
    node.connection = null;
    node.connectionLost();
    node.outbox = [];
    this.feed({ kind: 'connectionClosed', connection, reason: 'connection reset' });
  }

  /** Its node closes the connection; the process lives. @returns what the orchestrator does. */
  hangUp(node: ModelNode): readonly Effect[] {
    const { connection } = node;
    if (connection === null) return [];
    this.#forget(connection);
    node.connection = null;
    node.outbox = [];
    return this.feed({ kind: 'connectionClosed', connection, reason: 'it hung up' });
  }

  /** kill -9. */
  kill(node: ModelNode, options: { noticed: boolean } = { noticed: true }): void {
    const { connection, id } = node;
    node.die();
    if (connection !== null) {
      this.#forget(connection);
      this.feed({ kind: 'connectionClosed', connection, reason: 'connection reset' });
    }
    if (options.noticed) this.feed({ kind: 'processExited', node: id, description: 'was killed' });
  }

  #forget(connection: string): void {
    this.#toNode.delete(connection);
    this.#byConnection.delete(connection);
  }

  // Delivery

  /** Delivers everything there is to deliver, in the order of nodes, until nothing moves. No time passes. */
  settle(): void {
    for (let moves = 0; this.deliver(() => 0); moves += 1) {
      if (moves > 200_000) throw new Error('the world does not settle');
    }
  }

  /** Delivers one message of one of the links that have some. @returns false when there is none. */
  deliver(pick: (choices: number) => number): boolean {
    const choices: (() => void)[] = [];
    if (this.#outside.length > 0) choices.push(() => this.feed(this.#outside.shift()!));
    for (const [connection, queue] of this.#toNode) {
      const node = this.#byConnection.get(connection)!;
      if (queue.length > 0) choices.push(() => node.receive(queue.shift()!));
      else if (node.outbox.length > 0) choices.push(() => this.#fromNode(connection, node));
      else if (node.ended) choices.push(() => this.#exit(node));
    }
    const choice = choices[pick(choices.length)];
    choice?.();
    return choice !== undefined;
  }

  #fromNode(connection: string, node: ModelNode): void {
    const message = node.outbox.shift()!;
    this.feed({ kind: 'message', connection, message });
  }

  #exit(node: ModelNode): void {
    this.kill(node, { noticed: !node.baseLevel });
  }

  #execute(effect: Effect): void {
    switch (effect.kind) {
      case 'send': {
        const node = this.#byConnection.get(effect.connection);
        this.sent.push({ node: node?.id ?? effect.connection, message: effect.message });
        this.#toNode.get(effect.connection)?.push(effect.message);
        break;
      }
      case 'park':
        this.parkHeard.push(effect);
        break;
      case 'close': {
        this.closed.push({ connection: effect.connection, code: effect.code });
        const node = this.#byConnection.get(effect.connection);
        this.#forget(effect.connection);
        if (node?.connection === effect.connection) {
          node.connection = null;
          node.connectionLost();
          node.outbox = [];
        }
        break;
      }
      case 'reply':
        if (this.replies.has(effect.request)) throw new Error(`${effect.request} is answered twice`);
        this.replies.set(effect.request, effect.result);
        break;
      case 'wakeAt':
        this.#wakeAt = effect.at;
        break;
      case 'fetchGatewayInfo':
        this.onAsked();
        this.#outside.push(
          this.gateway === null
            ? { kind: 'gatewayInfoFailed', ...this.failure }
            : {
                kind: 'gatewayInfo',
                recommendedShards: this.gateway.shards,
                maxConcurrency: this.gateway.maxConcurrency,
                identifiesTotal: this.gateway.total ?? 1_000,
                identifiesRemaining: this.gateway.remaining ?? 1_000,
                resetAfterMs: this.gateway.resetAfterMs ?? 86_400_000,
              },
        );
        break;
      case 'launchNode':
        this.#launch(effect.launch, effect.version ?? this.launchedVersion);
        break;
      case 'endProcess':
        this.endedProcesses.push(effect.node);
        // What was launched and is not connected has nothing to say before it ends.
        if (this.state.processes.has(effect.node) && (this.nodes.get(effect.node)?.connection ?? null) === null) {
          this.nodes.get(effect.node)?.die();
          this.#outside.push({ kind: 'processExited', node: effect.node, description: 'was ended by SIGTERM' });
        }
        break;
      case 'record':
        this.entries.push(effect.entry);
        break;
      case 'accept':
        break;
    }
  }

  #launch(launch: string, version: string): void {
    if (this.launches === 'fail') {
      this.#outside.push({ kind: 'launchFailed', launch, reason: 'no such command' });
      return;
    }
    const node = `launched-${++this.#launched}`;
    this.#outside.push({ kind: 'nodeLaunched', launch, node, pid: this.#launched });
    if (this.launches === 'die') {
      this.#outside.push({ kind: 'processExited', node, description: 'exited with code 1' });
    } else if (this.launches === 'connect') {
      const made = new ModelNode({ id: node });
      this.nodes.set(node, made);
      const connection = `c${this.#nextConnection++}`;
      made.connection = connection;
      this.#toNode.set(connection, []);
      this.#byConnection.set(connection, made);
      const message = { ...made.identify(), version };
      this.#outside.push({ kind: 'identify', connection, message, peer: nearby });
    }
  }

  // Time

  /**
   * Lets time pass; ticks come when they were asked for, nodes send heartbeats, and everything is delivered as it goes.
   */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      this.settle();
      const beat = this.#lastHeartbeatAt + this.state.settings.heartbeatIntervalMs;
      const next = Math.min(end, this.#wakeAt ?? end, beat);
      if (next > this.now) this.now = next;
      if (this.#wakeAt !== null && this.#wakeAt <= this.now) this.tick();
      if (beat <= this.now) this.beat();
      if (this.now >= end && (this.#wakeAt === null || this.#wakeAt > this.now)) break;
    }
    this.settle();
  }

  tick(): void {
    this.#wakeAt = null;
    this.feed({ kind: 'tick' });
  }

  beat(): void {
    this.#lastHeartbeatAt = this.now;
    this.#heartbeats += 1;
    for (const node of this.nodes.values()) if (node.alive && !node.ended) node.heartbeat(this.#heartbeats);
  }

  get wakeAt(): number | null {
    return this.#wakeAt;
  }

  // What a test looks at

  shard(shard: number): ShardState {
    const state = this.state.shards[shard];
    if (state === undefined) throw new Error(`no shard ${shard}`);
    return state;
  }

  /** `{ a: [0, 1] }`: who runs what, as the orchestrator knows it. */
  placement(): Record<string, number[]> {
    const nodes: Record<string, number[]> = {};
    this.state.shards.forEach((shard, id) => {
      if (shard.kind === 'running') (nodes[shard.node] ??= []).push(id);
    });
    return nodes;
  }

  /** The same as the nodes themselves see it. */
  truth(): Record<string, number[]> {
    const nodes: Record<string, number[]> = {};
    for (const node of this.nodes.values()) {
      if (node.running.size > 0) nodes[node.id] = [...node.running].sort((a, b) => a - b);
    }
    return nodes;
  }

  recorded(name: HistoryName): HistoryEntry[] {
    return this.entries.filter((entry) => entry.name === name);
  }

  /** The shards that the node was told to resume, in order. */
  toldToResume(node: string): ShardToResume[] {
    return this.sentTo(node, 'resumeShards').flatMap((message) =>
      message.kind === 'resumeShards' ? message.shards : [],
    );
  }

  sentTo(node: string, kind?: MessageKind): Message[] {
    return this.sent
      .filter((one) => one.node === node && (kind === undefined || one.message.kind === kind))
      .map((one) => one.message);
  }
}
