/**
 * Invariant 12: after faults stop, desired = actual within bounded time: no open migration, no orphan staging, no
 * leaked socket.
 *
 * Asked from outside, when it is time, what is still missing; null: everything is as it should be.
 */
import type { MemoryNetwork } from '@dshard/testkit';
import type { Plan } from '../plan.js';
import type { SimDiscord } from '../discord/discord.js';
import type { Fleet } from '../world/fleet.js';
import type { Orchestrators } from '../world/orchestrators.js';

export const CONVERGENCE = 'after faults stop, desired = actual within bounded time';

export type Parties = {
  plan: Plan;
  fleet: Fleet;
  orchestrators: Orchestrators;
  discord: SimDiscord;
  control: MemoryNetwork;
  gateway: MemoryNetwork;
};

export function missing(parties: Parties): string | null {
  return (
    missingInOrchestrator(parties) ??
    missingOnNodes(parties) ??
    untold(parties) ??
    missingAtDiscord(parties) ??
    leaks(parties)
  );
}

function missingInOrchestrator({ orchestrators, fleet }: Parties): string | null {
  const state = orchestrators.handle?.state;
  if (state === undefined) return 'the orchestrator is down';
  if (state.totalShards === null) return 'the total shard count is not decided';
  if (state.graceUntil !== null) return 'the orchestrator waits for nodes to come back';
  const open: [what: string, count: number][] = [
    ['migrations', state.migrations.size],
    ['migrations that wait', state.waitingMigrations.length],
    ['operations', state.operations.size],
    ['launches', state.launches.size],
    ['wishes to identify', state.identifies.waiting.length],
    ['operators that wait for shards to start', state.startRequests.size],
  ];
  for (const [what, count] of open) if (count > 0) return `there are ${count} ${what}`;
  for (const { name, process } of fleet.living) {
    if (process.paused) continue;
    if (state.nodes.get(name)?.connection.kind !== 'connected') return `node ${name} is not connected`;
    if (state.nodes.get(name)?.intent.kind === 'shuttingDown') return `node ${name} is still shutting down`;
  }
  return null;
}

function missingOnNodes({ orchestrators, fleet, plan }: Parties): string | null {
  const shards = orchestrators.handle?.state.shards ?? [];
  for (let shard = 0; shard < plan.shards; shard += 1) {
    const known = shards[shard];
    if (known?.kind !== 'running') return `shard ${shard} is ${known?.kind ?? 'unknown'} to the orchestrator`;
    for (const bot of fleet.living) {
      const kind = bot.node.shards.get(shard);
      const isUp = bot.host.openShards().get(shard);
      if (bot.name !== known.node) {
        if (kind !== undefined) return `shard ${shard} runs on ${known.node}, and is ${kind} on ${bot.name}`;
        if (isUp !== undefined) return `shard ${shard} runs on ${known.node}, and the host of ${bot.name} has it too`;
      } else if (kind !== 'running') {
        return `shard ${shard} is ${kind ?? 'absent'} on ${bot.name}, which should run it`;
      } else if (isUp !== true) {
        return `shard ${shard} is not up on ${bot.name}`;
      }
    }
    if (fleet.get(known.node) === undefined) return `shard ${shard} is on ${known.node}, which does not exist`;
  }
  return null;
}

/** How the bots are is known, and no node takes its version for a bad one any more. */
function untold({ orchestrators, fleet }: Parties): string | null {
  const state = orchestrators.handle?.state;
  for (const { name, node, process, complaint } of fleet.living) {
    const { status } = node;
    if (process.paused || status.kind !== 'established' || !status.capabilities.includes('signals')) continue;
    if (status.versionFailing !== null) return `node ${name} believes that its version fails: ${status.versionFailing}`;
    if (state === undefined || state.settings.heartbeatIntervalMs === 0) continue;
    const health = state.nodes.get(name)?.signals?.health;
    if (health?.ok !== (complaint === null)) return `the orchestrator does not know how the bot on ${name} is`;
  }
  return null;
}

function missingAtDiscord({ discord, plan }: Parties): string | null {
  const attached = new Map<number, number>();
  for (const { shard, attachment } of discord.state.sessions.values()) {
    if (attachment.kind !== 'attached') continue;
    if (attachment.connection.deaf) return `shard ${shard} has a connection on which nothing comes`;
    attached.set(shard, (attached.get(shard) ?? 0) + 1);
  }
  for (let shard = 0; shard < plan.shards; shard += 1) {
    const count = attached.get(shard) ?? 0;
    if (count !== 1) return `shard ${shard} has ${count} sessions with a connection at Discord`;
  }
  return null;
}

function leaks({ control, gateway, fleet, plan }: Parties): string | null {
  const bots = fleet.living.length;
  if (control.openConnections() > bots) return `${control.openConnections()} control connections for ${bots} nodes`;
  const open = gateway.openConnections();
  return open > plan.shards ? `${open} gateway connections for ${plan.shards} shards` : null;
}
