/** A machine that an orchestrator runs on: its name, its boot, its clocks, and where nodes reach it. */
import type { Address } from '@dshard/transport';
import type { Draw } from '../random.js';
import type { MachineClock } from './virtual-process.js';

export type Machine = {
  /** Of its orchestrator's process. */
  name: string;
  host: string;
  address: Address;
  clock: MachineClock;
};

const ORCHESTRATOR = 'orchestrator';

/** Whether a process is an orchestrator. */
export function isOrchestrator(name: string): boolean {
  return name.startsWith(ORCHESTRATOR);
}

const ADDRESSES: readonly Address[] = ['127.0.0.1:7447', '127.0.0.2:7447'];
/** As nodes are told of them. */
export function addressesOf(count: 1 | 2): string {
  return ADDRESSES.slice(0, count).join(',');
}

const HOUR_MS = 3_600_000;
const MOST_UPTIME_MS = 1_000 * HOUR_MS;

/** One machine has the world's clocks; of two each has its own. */
export function machinesFor(count: 1 | 2, draw: Draw): readonly Machine[] {
  return ADDRESSES.slice(0, count).map((address, index) => {
    const uptimeMs = count === 1 ? 0 : draw.whole(0, MOST_UPTIME_MS);
    const wallClockMs = count === 2 && draw.chance(0.2) ? (draw.pick([-HOUR_MS, HOUR_MS]) ?? 0) : 0;
    const name = count === 1 ? ORCHESTRATOR : `${ORCHESTRATOR}-${index + 1}`;
    return { name, host: count === 1 ? 'here' : `host-${index + 1}`, address, clock: { uptimeMs, wallClockMs } };
  });
}
