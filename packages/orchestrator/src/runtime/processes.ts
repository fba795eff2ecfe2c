/**
 * The node processes of this orchestrator's launcher: attempts to launch one, and the end of all of them. Without a
 * launcher there are none.
 */
import { delay, type Clock, type Logger } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { fleetEndsWithin, graceOf } from '../domain/fleet/processes.js';
import { parkingWithin } from '../domain/operations/shutdown-fleet.js';
import type { DomainEvent } from '../domain/state/events.js';
import type { OrchestratorState } from '../domain/state/state.js';
import type { Launcher } from '../ports/surroundings.js';
import { asReason, type Versions } from './questions.js';

type Surroundings = {
  launcher: Launcher | null;
  versions: Versions;
  clock: Clock;
  logger: Logger;
  /** What is launched, and how it ended. */
  happened: (event: DomainEvent) => void;
};

export class Processes {
  readonly #surroundings: Surroundings;
  readonly #launches = new Set<Promise<void>>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * One attempt; whether to try again is for the domain to say.
   *
   * @param version instead of the deployed one.
   */
  launch(launch: string, version?: string): void {
    const attempt = this.#attempt(launch, version).then((event) => {
      this.#launches.delete(attempt);
      this.#surroundings.happened(event);
    });
    this.#launches.add(attempt);
  }

  /**
   * Stops them all; those that do not stop by themselves in `graceMs`, or in the time that they said they need, are
   * killed. Resolves to the nodes they were.
   */
  async stopAll(graceMs: number, { nodes: known }: OrchestratorState): Promise<readonly string[]> {
    const { launcher, clock } = this.#surroundings;
    if (launcher === null) return [];
    // A launch under way would leave a process that nobody stops.
    await within(clock, graceMs, Promise.allSettled(this.#launches));
    const nodes = launcher.running().map(({ node }) => node);
    const needs = (node: string): number => graceOf(known.get(node)?.bounds ?? null);
    await Promise.all(nodes.map((node) => this.stop(node, Math.max(graceMs, needs(node)))));
    return nodes;
  }

  /** Never rejects. */
  async stop(node: string, graceMs: number): Promise<void> {
    const { launcher, logger } = this.#surroundings;
    try {
      await launcher?.stop(node, graceMs);
    } catch (error) {
      logger.error({ node, err: error }, messageOf(error));
    }
  }

  async #attempt(launch: string, named?: string): Promise<DomainEvent> {
    const { launcher, happened } = this.#surroundings;
    try {
      if (launcher === null) throw new Error('there is no launcher');
      const version = named ?? (await this.#version());
      if (version === null) happened({ kind: 'versionDeployed', version: '' });
      const { node, pid, log } = await launcher.launch(version ?? undefined);
      return { kind: 'nodeLaunched', launch, node, pid, ...(log !== undefined && { log }) };
    } catch (error) {
      return { kind: 'launchFailed', launch, reason: asReason(messageOf(error)) };
    }
  }

  /** A version that cannot be found out keeps nothing from being launched. */
  async #version(): Promise<string | null> {
    const { versions, logger } = this.#surroundings;
    if (!versions.areKnown) return null;
    const answer = await versions.read();
    const version = answer.ok ? answer.data?.['version'] : undefined;
    if (typeof version === 'string') return version;
    if (answer.ok) return null;
    logger.warn({ code: answer.error.code }, `The node is launched without DSO_VERSION: ${answer.error.message}`);
    return null;
  }
}

/** How long a fleet may take to shut down by itself. */
export function endsWithin(state: OrchestratorState, keepSessions: boolean): number {
  return (keepSessions ? parkingWithin(state.settings) : 0) + fleetEndsWithin(state);
}

/** Waits for it, but no longer than `timeoutMs`. */
export async function within(clock: Clock, timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const finished = new AbortController();
  await Promise.race([work, delay(clock, timeoutMs, finished.signal)]);
  finished.abort();
}
