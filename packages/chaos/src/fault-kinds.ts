/** The faults there are, what each may cost, and in which order they come. */
import { seededRandom } from '@dshard/testkit';
import type { Random } from '@dshard/transport';

/**
 * The faults there are, and what each may cost. None may cost an event. `mayRepeat`: events may come again, marked,
 * because a node was lost, or was taken for lost. `mayDoubleAttach`: the other node resumes a session while the lost
 * one still holds it, which is what Discord sees when a process stands still. `finishesLate`: a process that was
 * stopped in the middle of an event's handler ends it when it wakes, whoever has the shard by then, and nobody can mark
 * that (decision 006): one event at the most, as handlers do not wait here. `mayMissHeartbeats`: none comes.
 */
export type FaultCost = {
  mayRepeat: boolean;
  mayDoubleAttach: boolean;
  finishesLate: boolean;
  mayMissHeartbeats: boolean;
};

const FREE: FaultCost = { mayRepeat: false, mayDoubleAttach: false, finishesLate: false, mayMissHeartbeats: false };
const NODE_DIES: FaultCost = { ...FREE, mayRepeat: true };
const NODE_IS_SILENT: FaultCost = { ...NODE_DIES, mayDoubleAttach: true };

export type FaultName = OneHostFault | HostFault;

/** Where orchestrator and nodes are on one host. */
export type OneHostFault =
  | 'node-kill'
  | 'node-kill-in-move'
  | 'node-pause'
  | 'orchestrator-kill'
  | 'orchestrator-kill-in-move'
  | 'orchestrator-pause'
  | 'link-reset'
  | 'link-half-open'
  | 'all-links-half-open'
  | 'gateway-reset'
  | 'gateway-reconnect'
  | 'gateway-invalid-resumable'
  | 'dead-resume-url'
  | 'full-disk'
  | 'clock-step'
  | 'two-processes-one-id'
  | 'stranger'
  | 'discord-outage';

/** Where there are several, with an orchestrator on two of them. */
export type HostFault =
  | 'kill-node'
  | 'stop-node'
  | 'kill-host'
  | 'kill-leader'
  | 'stop-leader'
  | 'part-hosts'
  | 'part-one-way'
  | 'cut-off-host'
  | 'darken-host'
  | 'leader-without-database'
  | 'lose-packets'
  | 'step-clock'
  | 'restart-database'
  | 'promote-database'
  | 'fill-disk';

const ONE_HOST_FAULTS: Readonly<Record<OneHostFault, FaultCost>> = {
  'node-kill': NODE_DIES,
  'node-kill-in-move': NODE_DIES,
  'node-pause': { ...NODE_IS_SILENT, finishesLate: true },
  'orchestrator-kill': FREE,
  'orchestrator-kill-in-move': FREE,
  'orchestrator-pause': FREE,
  'link-reset': FREE,
  'link-half-open': NODE_IS_SILENT,
  'all-links-half-open': FREE,
  'gateway-reset': FREE,
  'gateway-reconnect': FREE,
  'gateway-invalid-resumable': FREE,
  'dead-resume-url': FREE,
  'full-disk': FREE,
  'clock-step': FREE,
  'two-processes-one-id': FREE,
  stranger: FREE,
  'discord-outage': FREE,
};

const HOST_FAULTS: Readonly<Record<HostFault, FaultCost>> = {
  'kill-node': NODE_DIES,
  'stop-node': { ...NODE_IS_SILENT, finishesLate: true },
  'kill-host': NODE_DIES,
  'kill-leader': FREE,
  // Longer than the lease: its nodes look for whoever leads then, and one that is late is taken for lost.
  'stop-leader': NODE_IS_SILENT,
  'part-hosts': NODE_IS_SILENT,
  'part-one-way': NODE_IS_SILENT,
  'cut-off-host': NODE_IS_SILENT,
  'darken-host': { ...NODE_IS_SILENT, mayMissHeartbeats: true },
  // Its nodes are silent to the one that leads next, until they find it.
  'leader-without-database': NODE_IS_SILENT,
  'lose-packets': NODE_IS_SILENT,
  'step-clock': FREE,
  'restart-database': FREE,
  'promote-database': FREE,
  // The same.
  'fill-disk': NODE_IS_SILENT,
};

export const FAULTS: Readonly<Record<FaultName, FaultCost>> = { ...ONE_HOST_FAULTS, ...HOST_FAULTS };

export const FAULT_NAMES = Object.keys(ONE_HOST_FAULTS) as readonly OneHostFault[];
export const HOST_FAULT_NAMES = Object.keys(HOST_FAULTS) as readonly HostFault[];

export function isHostFault(name: FaultName): name is HostFault {
  return name in HOST_FAULTS;
}

/**
 * Which faults come in which order, from the seed: all of them, shuffled, then all of them again. Each has randomness
 * of its own, so that what one draws does not depend on how those before it went.
 */
export type ScheduledFault = { name: FaultName; random: Random };

export function* schedule(seed: number, faults: readonly FaultName[]): Iterable<ScheduledFault> {
  const random = seededRandom(seed);
  for (;;) {
    for (const name of shuffled(faults, random)) {
      yield { name, random: seededRandom(Math.floor(random.next() * 2 ** 32)) };
    }
  }
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const keyed = values.map((value) => ({ value, key: random.next() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
}

/** Throws when there is nothing to pick from. */
export function pick<T>(values: readonly T[], random: Random, what: string): T {
  const value = values[Math.floor(random.next() * values.length)];
  if (value === undefined) throw new Error(`There is no ${what} to pick from.`);
  return value;
}
