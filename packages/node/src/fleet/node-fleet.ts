/** What one node has of the fleet: its calls, what runs once per fleet, and what both need of the node. */
import type { Message } from '@dshard/protocol';
import type { HostReports } from '../host-reports.js';
import type { ResolvedOptions } from '../options.js';
import type { HostCall } from '../session/effects.js';
import { linkOf, servedShards, servesLeadShard } from '../session/reports.js';
import { isHeard } from '../session/trust.js';
import type { NodeState } from '../session/state.js';
import type { LeaseClient } from '../ownership-lease.js';
import { FleetCalls } from './fleet.js';
import type { Fleet } from './fleet-api.js';
import { Jobs } from './jobs.js';
import { Leadership } from './leadership.js';
import { Rollouts } from './rollouts.js';

export type NodeFleetOptions = {
  options: Pick<ResolvedOptions, 'clock' | 'host' | 'fleet'>;
  state: () => NodeState;
  reports: HostReports;
  lease: LeaseClient;
  send: (connection: number, message: Message) => void;
  failed: (text: string, error: unknown) => void;
};

export class NodeFleet {
  readonly #setup: NodeFleetOptions;
  readonly #leadership: Leadership;
  readonly #jobs: Jobs;
  readonly #calls: FleetCalls;
  readonly #rollouts: Rollouts;

  constructor(setup: NodeFleetOptions) {
    this.#setup = setup;
    const { options, state, reports, lease, send, failed } = setup;
    const { clock, host, fleet } = options;
    this.#leadership = new Leadership({
      clock,
      serves: () => servesLeadShard(state()),
      isUp: () => reports.isUp(state().leadShard),
      isLeased: () => lease.isLeased(),
      failed,
    });
    this.#jobs = new Jobs({ clock, leadership: this.#leadership, link: () => linkOf(state(), 'jobs'), send, failed });
    this.#rollouts = new Rollouts({ clock, link: () => linkOf(state(), 'rollout'), send });
    this.#calls = new FleetCalls({
      clock,
      source: { client: () => fleet.client ?? host.client ?? null, values: fleet.values, evaluate: fleet.evaluate },
      speaking: (work) => (host.speaking ? host.speaking(work) : work()),
      served: () => (host.shardsInClient ? host.shardsInClient() : servedShards(state().shards)),
      link: () => linkOf(state(), 'calls'),
      jobs: this.#jobs,
      rollouts: this.#rollouts,
      send,
    });
  }

  get api(): Fleet {
    return this.#calls;
  }

  /** Whether the message was one of the fleet's. */
  received(connection: number, message: Message): boolean {
    const { link } = this.#setup.state();
    // A question may run code of the bot: nobody asks one who did not prove that it may.
    if (link.kind !== 'established' || link.connection !== connection || !isHeard(link, message)) return false;
    if (this.#calls.received(connection, message)) return true;
    return this.#jobs.received(message) || this.#rollouts.received(message);
  }

  /** The session decided something that is not done yet: a shard is to be frozen, say. */
  decided(): void {
    this.#leadership.look();
  }

  /** The host is about to be called. A node that was lost, and may live, believes it leads until its lease is over. */
  calls(request: HostCall): void {
    const { state, lease } = this.#setup;
    if (request.method !== 'resumeShard' || request.shardId !== state().leadShard) return;
    this.#leadership.inherits(request.how?.redelivers === true ? lease.leaseMs : 0);
  }

  connectionLost(): void {
    this.#calls.connectionLost();
    this.#rollouts.connectionLost();
  }

  close(): void {
    this.#leadership.close();
  }
}
