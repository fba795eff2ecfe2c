/**
 * Who has a shard: one node at any instant, under epochs that only grow; and which nodes are excused for a while,
 * because they cannot know what became of their shards.
 */
import type { LedgerRecord } from '@dshard/gateway-emulator';
import type { OrchestratorState } from '@dshard/orchestrator/domain';
import type { ShardReport } from '@dshard/protocol';
import { isOrchestrator } from '../world/machine.js';
import type { Checker, MakeChecker, Observation } from '../observation.js';

/**
 * Invariant 1: at any instant at most one node hands a shard's events to user code.
 *
 * Seen as: once a node has begun with a shard (its first event after its connection was opened), the one before it
 * hands over no further event without beginning anew.
 *
 * The exception that today's design makes, and says so: a node that the orchestrator cannot hear (cut off, paused, or
 * the orchestrator itself is away) keeps its shards, and after `maxNodeDowntime` they are started elsewhere, by
 * IDENTIFY: with another session. Both hand over events then until the silent node is heard again. Two nodes on one and
 * the same session are never excused, but for what a node had received before another one resumed the session, if one
 * of the two is such a node: Discord's word of that comes later, or never (`silentDoubleAttach`).
 */
const ONE_OWNER = 'at any instant at most one node hands a shard’s events to user code';

type Owner = { node: string; sessionId: string };

export const oneOwner: MakeChecker = ({ plan, violated }): Checker => {
  const owners = new Map<number, Owner>();
  /** Who has begun and not handed over its first event yet. */
  const beginning = new Set<string>();
  /** By session: the last event that was sent, and the last before it was resumed last. */
  const sent = new Map<string, { last: number; beforeResume: number }>();
  const outOfTouch = new OutOfTouch(plan.durable);
  return {
    see: (observation, at) => {
      outOfTouch.see(observation, at);
      if (observation.kind === 'gateway') note(sent, observation.record);
      if (observation.kind === 'up' || observation.kind === 'begins') {
        beginning.add(`${observation.shard}@${observation.node}`);
      } else if (observation.kind === 'stopped') {
        beginning.delete(`${observation.shard}@${observation.node}`);
      }
      if (observation.kind !== 'handed') return;
      const { shard, node, sessionId, sequence } = observation;
      const key = `${shard}@${node}`;
      const owner = owners.get(shard);
      if (beginning.delete(key) || owner === undefined) {
        owners.set(shard, { node, sessionId });
        return;
      }
      if (owner.node === node) return;
      const isApart = outOfTouch.has(node, at) || outOfTouch.has(owner.node, at);
      const wasReceived = isApart && sequence <= (sent.get(sessionId)?.beforeResume ?? 0);
      const isExcused = !plan.gentle && owner.sessionId !== sessionId;
      if (isExcused || wasReceived) return;
      violated(
        ONE_OWNER,
        `node ${node} handed over event ${sequence} of shard ${shard} after node ${owner.node} had begun with it`,
      );
      owners.set(shard, { node, sessionId });
    },
  };
};

function note(sent: Map<string, { last: number; beforeResume: number }>, record: LedgerRecord): void {
  if (record.kind === 'emitted') {
    sent.set(record.sessionId, { last: record.s, beforeResume: sent.get(record.sessionId)?.beforeResume ?? 0 });
  } else if (record.kind === 'attached') {
    const last = sent.get(record.sessionId)?.last ?? 0;
    sent.set(record.sessionId, { last, beforeResume: last });
  }
}

// Which nodes cannot know what became of their shards: they were stopped, or cut off from the orchestrator, and it has
// not heard from them since. One of those may go on with a shard that another node has taken over (decision 006), so a
// few sentences do not hold for it.

/** From being heard until the answer has come. */
const ANSWERED_MS = 1_500;

export class OutOfTouch {
  /** By node: how many faults keep it apart. */
  readonly #apart = new Map<string, number>();
  /** By node that nothing keeps apart: when it had been heard last (by the orchestrator's clock), and when again. */
  readonly #returning = new Map<string, { before: number; heardAt: number | null }>();
  /** Those that were out of touch when an orchestrator without a store died: the next one knows no better than they. */
  readonly #forgotten = new Set<string>();
  readonly #durable: boolean;
  #state: OrchestratorState | null = null;

  constructor(durable: boolean) {
    this.#durable = durable;
  }

  see(observation: Observation, at: number): void {
    if (observation.kind === 'apart') {
      const faults = (this.#apart.get(observation.node) ?? 0) + (observation.begins ? 1 : -1);
      this.#apart.set(observation.node, faults);
      if (faults === 0)
        this.#returning.set(observation.node, { before: this.#lastHeard(observation.node), heardAt: null });
      else this.#returning.delete(observation.node);
    }
    if (observation.kind === 'processEnded') this.#ended(observation.name, at);
    if (observation.kind !== 'decided') return;
    this.#state = observation.state;
    for (const [node, { before, heardAt }] of this.#returning) {
      if (heardAt === null && this.#lastHeard(node) > before) this.#returning.set(node, { before, heardAt: at });
    }
  }

  #ended(name: string, at: number): void {
    this.#forgotten.delete(name);
    if (!isOrchestrator(name) || this.#durable) return;
    for (const node of [...this.#apart.keys(), ...this.#returning.keys()]) {
      if (this.has(node, at)) this.#forgotten.add(node);
    }
  }

  #lastHeard(node: string): number {
    const connection = this.#state?.nodes.get(node)?.connection;
    return connection?.kind === 'connected' ? connection.lastHeardAt : 0;
  }

  has(node: string, at: number): boolean {
    if ((this.#apart.get(node) ?? 0) > 0 || this.#forgotten.has(node)) return true;
    const returning = this.#returning.get(node);
    return returning !== undefined && (returning.heardAt === null || at - returning.heardAt < ANSWERED_MS);
  }
}

/**
 * Invariant 2: a shard's epoch only grows; nobody acts on an epoch lower than the highest it has seen. Seen as: what
 * the orchestrator says of a shard, whichever of its lives says it, never names a lower epoch than before, and neither
 * does what a node says of a shard it has.
 *
 * Without a store the next life starts its counter at the clock, but knows of earlier epochs only what its nodes tell:
 * should whoever had the highest be gone, it believes the next lower one. So each life is looked at by itself then.
 */
const EPOCHS_GROW = 'a shard’s epoch only grows, and nobody acts on a lower one';

export const epochsGrow: MakeChecker = ({ plan, violated }): Checker => {
  const said = new Map<number, number>();
  /** By node: its last reports, and by shard the highest epoch in any of them. */
  const reports = new Map<string, { last: readonly ShardReport[]; epochs: Map<number, number> }>();

  const note = (highest: Map<number, number>, shard: number, epoch: number | undefined, who: string): void => {
    if (epoch === undefined || epoch === 0) return;
    const before = highest.get(shard) ?? 0;
    if (epoch < before) violated(EPOCHS_GROW, `${who} acts on epoch ${epoch} of shard ${shard}, after ${before}`);
    highest.set(shard, Math.max(before, epoch));
  };
  const onSaid = ({ message }: Extract<Observation, { kind: 'said' }>): void => {
    if (message.kind === 'startShards') {
      for (const [index, shard] of message.shardIds.entries())
        note(said, shard, message.epochs?.[index], 'the orchestrator');
    } else if (message.kind === 'stopShard' || message.kind === 'shardTakenOver') {
      note(said, message.shardId, message.epoch, 'the orchestrator');
    }
  };
  return {
    see: (observation) => {
      if (observation.kind === 'said') onSaid(observation);
      if (observation.kind === 'processEnded' && isOrchestrator(observation.name) && !plan.durable) said.clear();
      // What the orchestrator has kept of a node that is gone is of its life before.
      if (observation.kind === 'processStarted') reports.delete(observation.name);
      if (observation.kind !== 'decided') return;
      for (const { id, connection, shardReports } of observation.state.nodes.values()) {
        const known = reports.get(id) ?? { last: [], epochs: new Map<number, number>() };
        if (connection.kind !== 'connected' || known.last === shardReports) continue;
        reports.set(id, { ...known, last: shardReports });
        for (const { shardId, epoch } of shardReports) note(known.epochs, shardId, epoch, `node ${id}`);
      }
    },
  };
};
