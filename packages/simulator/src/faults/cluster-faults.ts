/** What goes wrong where two orchestrators share a database: the database, the leader, its links, and the clocks. */
import type { MemoryNetwork, VirtualClock } from '@dshard/testkit';
import type { FaultName } from '../plan.js';
import type { Draw } from '../random.js';
import type { Fleet } from '../world/fleet.js';
import type { Orchestrators } from '../world/orchestrators.js';
import type { Death } from '../world/virtual-process.js';

export type ClusterFaultsOptions = {
  draw: Draw;
  world: VirtualClock;
  control: MemoryNetwork;
  fleet: Fleet;
  orchestrators: Orchestrators;
  note: (fault: FaultName, target: string) => void;
  forAWhile: (longestMs: number, end: () => void) => void;
  apart: (node: string) => () => void;
};

const LONGEST_TROUBLE_MS = 10_000;
const LONGEST_RESTART_MS = 6_000;
const LONGEST_FAILOVER_MS = 8_000;
/** Longer than the lease, and than whoever watches it waits. */
const LONGEST_STALL_MS = 30_000;
const LONGEST_CUT_MS = 30_000;
const RESTARTED_AFTER_MS = 5_000;
const HOUR_MS = 3_600_000;
const DEATHS: readonly Death[] = ['abort', 'flush', 'silent'];

export function clusterFaults(options: ClusterFaultsOptions): Partial<Record<FaultName, () => void>> {
  const { draw, world, control, fleet, orchestrators, note, forAWhile } = options;
  const { shared } = orchestrators;
  if (shared === null) return {};
  const { database, line } = shared;

  const onDatabase: Readonly<Record<string, () => void>> = {
    'messages are lost': () => {
      line.isTroubled = true;
      forAWhile(LONGEST_TROUBLE_MS, () => {
        line.isTroubled = false;
      });
    },
    'its sessions are ended': () => line.endConnections(),
    'it is restarted': () => {
      line.goDown();
      forAWhile(LONGEST_RESTART_MS, () => line.comeBack());
    },
    'its primary is gone, the standby takes over': () => {
      line.goSilent();
      forAWhile(LONGEST_FAILOVER_MS, () => line.failOver());
    },
  };

  /** Also those that nothing can be heard of by the leader: then nobody acts. */
  const onLeader: Readonly<Record<string, () => void>> = {
    'is killed': () => {
      const { leader } = orchestrators;
      leader?.crash(draw.pick(DEATHS) ?? 'abort');
      world.after(draw.between(0, RESTARTED_AFTER_MS), () => leader?.start());
    },
    'stands still': () => {
      const process = orchestrators.process;
      if (process === null || process.paused) return;
      process.pause();
      forAWhile(LONGEST_STALL_MS, () => process.resume());
    },
    'is cut off from the database': () => cutFromDatabase(),
  };

  function cutFromDatabase(): void {
    const host = orchestrators.leader?.machine.host;
    if (host === undefined) return;
    line.cut(host);
    forAWhile(LONGEST_CUT_MS, () => line.mend(host));
  }

  function cutFromNodes(): void {
    const address = orchestrators.leader?.machine.address;
    if (address === undefined) return;
    control.cut(address, draw.pick(['both', 'in', 'out'] as const));
    const together = fleet.living.map(({ name }) => options.apart(name));
    forAWhile(LONGEST_CUT_MS, () => {
      control.mend(address);
      for (const end of together) end();
      // Only TCP itself notices for a node without heartbeats that its connection is dead.
      for (const bot of fleet.living) if (bot.baseLevel) control.reset(bot.name);
    });
  }

  function someOf(fault: FaultName, all: Readonly<Record<string, () => void>>, whose: string): void {
    const [what, act] = draw.pick(Object.entries(all)) ?? [];
    if (what === undefined || act === undefined) return;
    note(fault, `${whose}: ${what}`);
    act();
  }

  return {
    database: () => someOf('database', onDatabase, 'the database'),
    leaders: () => someOf('leaders', onLeader, orchestrators.leader?.machine.name ?? 'nobody'),
    isolation: () => {
      const fromBoth = draw.chance(0.5);
      note('isolation', `the leader is cut off from the nodes${fromBoth ? ' and the database' : ''}`);
      cutFromNodes();
      if (fromBoth) cutFromDatabase();
    },
    clocks: () => {
      const ms = draw.pick([-HOUR_MS, HOUR_MS]) ?? HOUR_MS;
      const machine = draw.pick(orchestrators.all)?.machine;
      const isDatabase = draw.chance(0.5);
      note('clocks', `${isDatabase ? 'the database' : (machine?.name ?? '')} is set by ${ms} ms`);
      if (isDatabase) database.clockAheadMs += ms;
      else if (machine !== undefined) machine.clock.wallClockMs += ms;
    },
  };
}
