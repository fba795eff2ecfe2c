/**
 * Which nodes cannot know what became of their shards: they were stopped, or cut off from the orchestrator, and it has not heard from them
 * since. One of those may go on with a shard that another node has taken over (decision 006), so a few sentences do not hold for it.
 */
import type { OrchestratorState } from '@dshard/orchestrator/domain';
import type { Observation } from '../observation.js';

/** From being heard until the answer has come. */
const ANSWERED_MS = 1_500;

export class OutOfTouch {
  /** By node: how many faults keep it apart. */
  readonly #apart = new Map<string, number>();
  /** By node, once nothing keeps it apart: when it had been heard last (by the orchestrator's clock), and when it was again. */
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
    if (name !== 'orchestrator' || this.#durable) return;
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
