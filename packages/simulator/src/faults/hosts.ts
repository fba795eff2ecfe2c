/**
 * What happens to whole hosts: one is cut off from the orchestrator, or from everybody, or ends with all that runs on
 * it; and what operators and schedulers do with hosts: they cordon them, drain them, and say of dead ones that they are
 * dead. Of a host on which something lives they never say that: what such a node hands out is nobody's fault.
 */
import type { OperatorCommand } from '@dshard/orchestrator';
import type { MemoryNetwork, VirtualClock } from '@dshard/testkit';
import type { Observe } from '../observation.js';
import type { Draw } from '../random.js';
import type { BotProcess } from '../world/bot-process.js';
import type { Fleet } from '../world/fleet.js';
import { hostOf } from '../world/hosts.js';
import type { Orchestrators } from '../world/orchestrators.js';

export type HostFaultsOptions = {
  seed: number;
  draw: Draw;
  world: VirtualClock;
  control: MemoryNetwork;
  gateway: MemoryNetwork;
  fleet: Fleet;
  orchestrators: Orchestrators;
  observe: Observe;
  /** Ends after a while, or with all faults. */
  forAWhile: (end: () => void) => void;
};

const SLOWEST_SCHEDULER_MS = 3_000;

export function hostFault(options: HostFaultsOptions): void {
  const { draw, fleet, seed } = options;
  const host = draw.pick([...new Set(fleet.living.map(({ name }) => hostOf(seed, name)))]);
  if (host === undefined) return;
  const roll = draw.next();
  if (roll < 0.45) cut(options, host);
  else if (roll < 0.65) end(options, host);
  else maintain(options, host);
}

function botsOn({ fleet, seed }: HostFaultsOptions, host: string): readonly BotProcess[] {
  return fleet.living.filter(({ name }) => hostOf(seed, name) === host);
}

/** All its nodes are away at once, and back at once. */
function cut(options: HostFaultsOptions, host: string): void {
  const { draw, control, gateway, observe, forAWhile } = options;
  const bots = botsOn(options, host);
  const networks = draw.chance(0.7) ? [control] : [control, gateway];
  observe({ kind: 'fault', fault: 'hosts', target: `${host} is cut off${networks.length > 1 ? ' from all' : ''}` });
  for (const { name } of bots) {
    for (const network of networks) network.cut(name, 'both');
    observe({ kind: 'apart', node: name, begins: true });
  }
  forAWhile(() => {
    for (const bot of bots) {
      for (const network of networks) network.mend(bot.name);
      observe({ kind: 'apart', node: bot.name, begins: false });
      // Only TCP itself notices for a node without heartbeats that its connection is dead.
      if (bot.baseLevel) control.reset(bot.name);
    }
  });
}

/** No power: nothing says a word any more. A scheduler may know, and says so. */
function end(options: HostFaultsOptions, host: string): void {
  const { draw, world, observe } = options;
  observe({ kind: 'fault', fault: 'hosts', target: `${host} ends` });
  for (const bot of botsOn(options, host)) bot.die('silent', `ended with ${host}`);
  world.after(draw.between(0, SLOWEST_SCHEDULER_MS), () => {
    if (botsOn(options, host).length === 0) ask(options, takeover(host));
  });
}

function takeover(host: string): OperatorCommand {
  return { kind: 'startOperation', plan: { kind: 'takeover', nodes: [], host, force: true }, answer: 'ended' };
}

/** A host is drained, and comes back into use when all faults are over, if not before. */
function maintain(options: HostFaultsOptions, host: string): void {
  const { draw, observe, forAWhile } = options;
  observe({ kind: 'fault', fault: 'hosts', target: `${host} is cordoned` });
  ask(options, { kind: 'cordonHost', host });
  if (draw.chance(0.5)) {
    const plan = { kind: 'drain', origins: [], host, destination: null, shutdown: false, deadline: null } as const;
    ask(options, { kind: 'startOperation', plan, answer: 'ended' });
  }
  forAWhile(() => ask(options, { kind: 'uncordonHost', host }));
}

function ask({ orchestrators }: HostFaultsOptions, command: OperatorCommand): void {
  void orchestrators.handle?.command(command);
}

/** An uncordon may have met an orchestrator that was down. */
export function uncordonHosts({ handle }: Orchestrators): void {
  for (const [host, { cordoned }] of handle?.state.hosts ?? []) {
    if (cordoned !== null) void handle?.command({ kind: 'uncordonHost', host });
  }
}
