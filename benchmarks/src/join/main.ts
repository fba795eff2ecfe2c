/**
 * `npm run bench -- join`: many light nodes and one orchestrator, over real sockets. First all nodes connect at once;
 * then the fleet rests; then the orchestrator is killed and started again under the nodes, which all come back at once.
 */
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { atMost, figure, machine, tell, whole, type Target } from '../outcome.js';
import { LightFleet } from '../light-fleet/fleet.js';
import type { OrchestratorReading } from '../light-fleet/messages.js';

type Flags = { nodes: number; shards?: number; processes: number; rest: number; within: number; json?: true };

type Phase = {
  phase: 'connect' | 'rest' | 'storm';
  /** Until all nodes are established, and until all shards are up as well. null: not within the time. */
  nodesMs: number | null;
  shardsUpMs: number | null;
  /** Connections that nodes lost or were refused, and those closed by the orchestrator for a broken rule or limit. */
  lost: Record<string, number>;
  violations: number;
  identifies: number;
  orchestratorCpuMs: number;
  orchestratorDeafMs: number;
  orchestratorRssMb: number;
  nodesCpuMs: number;
  fewest: number;
  most: number;
};

/** From the last connect on. */
const MAX_RUNNING_S = 15;

const flags = new Command('bench -- join')
  .description('Many light nodes connect to one orchestrator at once; then it is killed and started again under them.')
  .option('--nodes <n>', 'light nodes, at most 2000', whole, 1_000)
  .option('--shards <n>', 'shards of the bot (default: 10 per node)', whole)
  .option('--processes <n>', 'processes that the nodes share', whole, 4)
  .option('--rest <s>', 'seconds of rest between the two', whole, 15)
  .option('--within <s>', 'seconds that each of the two may take', whole, 60)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const nodes = Math.min(2_000, flags.nodes);
const shards = flags.shards ?? 10 * nodes;
const clock = systemClock();
const fleet = await LightFleet.open({ nodes, shards, processes: flags.processes }, clock);
try {
  console.error(`${nodes} nodes in ${flags.processes} processes, ${shards} shards; ${machine()}.`);
  const phases: Phase[] = [];
  const add = (phase: Phase): void => {
    phases.push(phase);
    console.error(lineOf(phase));
  };
  add(await measure('connect', () => fleet.connect()));
  add(await measure('rest', () => delay(clock, flags.rest * 1_000)));
  add(
    await measure('storm', async () => {
      await fleet.killOrchestrator();
      await fleet.startOrchestrator();
    }),
  );
  const ok = phases.every(isFine);
  tell({ name: 'join', ok, nodes, shards, phases, targets: phases.flatMap(targetsOf) }, flags);
  process.exitCode = ok ? 0 : 1;
} finally {
  await fleet.close();
}

async function measure(phase: Phase['phase'], begin: () => Promise<unknown>): Promise<Phase> {
  await fleet.read();
  const startedAt = clock.monotonicMs();
  await begin();
  const lost: Record<string, number> = {};
  const sum = { nodesCpuMs: 0, orchestratorCpuMs: 0, orchestratorDeafMs: 0 };
  let nodesMs: number | null = null;
  let last: OrchestratorReading | null = null;
  const isUp = await fleet.untilUp(nodes, flags.within * 1_000, ({ orchestrator, nodes: heard }) => {
    last = orchestrator;
    sum.orchestratorCpuMs += orchestrator.cpuMs;
    sum.orchestratorDeafMs = Math.max(sum.orchestratorDeafMs, orchestrator.delayMaxMs);
    for (const { lost: reasons, cpuMs } of heard) {
      for (const [reason, count] of Object.entries(reasons)) lost[reason] = (lost[reason] ?? 0) + count;
      sum.nodesCpuMs += cpuMs;
    }
    const established = heard.reduce((all, each) => all + each.established, 0);
    if (orchestrator.nodes === nodes && established === nodes) nodesMs ??= Math.round(clock.monotonicMs() - startedAt);
  });
  const { violations, identifies, rssMb, fewest, most } = last as unknown as OrchestratorReading;
  const shardsUpMs = isUp ? Math.round(clock.monotonicMs() - startedAt) : null;
  return { phase, nodesMs, shardsUpMs, lost, violations, identifies, orchestratorRssMb: rssMb, ...sum, fewest, most };
}

/** What a phase is judged by: after a start, after a rest, after a storm. */
function targetsOf({ phase, nodesMs, shardsUpMs, lost, identifies, orchestratorRssMb }: Phase): Target[] {
  if (phase === 'rest') return [figure('rest: memory of the orchestrator, MB', orchestratorRssMb)];
  const lastConnectMs = nodesMs ?? Infinity;
  const broken = Object.entries(lost).filter(([reason]) => !/ECONNREFUSED|ECONNRESET|hung up|closed/.test(reason));
  const targets = [
    atMost(
      `${phase}: seconds from the last connect until all shards run`,
      secondsOf((shardsUpMs ?? Infinity) - lastConnectMs),
      MAX_RUNNING_S,
    ),
    figure(`${phase}: seconds until all nodes are established`, secondsOf(lastConnectMs)),
    figure(
      `${phase}: attempts to connect that were put off`,
      broken.reduce((sum, [, count]) => sum + count, 0),
    ),
  ];
  return phase === 'storm' ? [...targets, atMost('storm: IDENTIFYs', identifies, 0)] : targets;
}

function secondsOf(ms: number): number {
  return Math.round(ms / 100) / 10;
}

/** Everybody is there, every shard is up, and a storm costs no IDENTIFY. */
function isFine({ phase, shardsUpMs, identifies }: Phase): boolean {
  return shardsUpMs !== null && (phase !== 'storm' || identifies === 0);
}

function lineOf(figures: Phase): string {
  const { phase, nodesMs, shardsUpMs, lost, violations, identifies, fewest, most } = figures;
  const reasons = Object.entries(lost)
    .map(([reason, count]) => `${count} (${reason})`)
    .join(', ');
  const time = (ms: number | null): string =>
    ms === null ? `not within ${flags.within} s` : `${(ms / 1000).toFixed(1)} s`;
  return [
    `${phase}: all nodes established ${time(nodesMs)}, all shards up ${time(shardsUpMs)}`,
    `attempts that failed: ${reasons === '' ? 'none' : reasons}; ${violations} closed for a limit, ${identifies} IDENTIFYs, ${fewest} to ${most} shards per node`,
    `orchestrator ${figures.orchestratorCpuMs} ms of CPU, deaf for ${figures.orchestratorDeafMs} ms at most, ${figures.orchestratorRssMb} MB`,
    `nodes ${figures.nodesCpuMs} ms of CPU`,
  ].join('; ');
}
