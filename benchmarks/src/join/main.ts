/**
 * `npm run bench -- join`: many light nodes and one orchestrator, over real sockets. First all nodes connect at once;
 * then the fleet rests; then the orchestrator is killed and started again under the nodes, which all come back at once.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { atMost, figure, machine, tell, whole, type Target } from '../outcome.js';
import { Peer } from '../processes.js';
import type { NodesOrder, NodesReading, NodesSaying, OrchestratorReading, OrchestratorSaying } from './messages.js';

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

const POLL_MS = 100;
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

const nodeCount = Math.min(2_000, flags.nodes);
const shardCount = flags.shards ?? 10 * nodeCount;
const clock = systemClock();
// It answers `GET /gateway/bot` only. A bot of this size has a large max_concurrency; what is measured here is the
// fleet, and not Discord's pace.
const discord = await startGatewayEmulator({
  shards: shardCount,
  guilds: shardCount,
  maxConcurrency: shardCount,
  sessionStartLimit: 2 * shardCount,
});
const folder = mkdtempSync(join(tmpdir(), 'dshard-bench-fleet-'));
let orchestrator: Peer<object, OrchestratorSaying> | null = null;
const groups: Peer<object, NodesSaying>[] = [];
try {
  let address = await startOrchestrator('127.0.0.1:0');
  const perProcess = Math.ceil(nodeCount / flags.processes);
  for (let from = 0; from < nodeCount; from += perProcess) {
    const order: NodesOrder = { orchestrator: address, from, to: Math.min(nodeCount, from + perProcess) };
    groups.push(new Peer(new URL('./nodes.js', import.meta.url), order));
  }
  await Promise.all(groups.map((group) => group.hear()));
  console.error(`${nodeCount} nodes in ${groups.length} processes, ${shardCount} shards; ${machine()}.`);

  const phases: Phase[] = [];
  const add = (phase: Phase): void => {
    phases.push(phase);
    console.error(lineOf(phase));
  };
  add(await measure('connect', () => Promise.all(groups.map((group) => ask(group, 'start')))));
  add(await measure('rest', () => delay(clock, flags.rest * 1_000)));
  add(
    await measure('storm', async () => {
      await orchestrator?.end('SIGKILL');
      address = await startOrchestrator(address);
    }),
  );
  const ok = phases.every(isFine);
  tell({ name: 'join', ok, nodes: nodeCount, shards: shardCount, phases, targets: phases.flatMap(targetsOf) }, flags);
  process.exitCode = ok ? 0 : 1;
} finally {
  await Promise.all([...groups, ...(orchestrator === null ? [] : [orchestrator])].map((peer) => peer.end('SIGKILL')));
  await discord.close();
  rmSync(folder, { recursive: true, force: true });
}

async function startOrchestrator(listen: string): Promise<string> {
  orchestrator = new Peer(new URL('./orchestrator.js', import.meta.url), {
    listen,
    shards: shardCount,
    folder,
    discord: { api: discord.apiUrl, token: discord.token },
  });
  const saying = await orchestrator.hear();
  if (saying.kind !== 'listening') throw new Error('The orchestrator did not say where it listens.');
  return saying.address;
}

async function measure(phase: Phase['phase'], begin: () => Promise<unknown>): Promise<Phase> {
  await readAll();
  const startedAt = clock.monotonicMs();
  await begin();
  const lost: Record<string, number> = {};
  const sum = { nodesCpuMs: 0, cpuMs: 0, deafMs: 0 };
  let nodesMs: number | null = null;
  for (;;) {
    const { said, heard } = await readAll();
    const ms = Math.round(clock.monotonicMs() - startedAt);
    sum.cpuMs += said.cpuMs;
    sum.deafMs = Math.max(sum.deafMs, said.deafMs);
    for (const { lost: reasons, cpuMs } of heard) {
      for (const [reason, count] of Object.entries(reasons)) lost[reason] = (lost[reason] ?? 0) + count;
      sum.nodesCpuMs += cpuMs;
    }
    const isThere =
      said.nodes === nodeCount && heard.reduce((all, { established }) => all + established, 0) === nodeCount;
    if (isThere) nodesMs ??= ms;
    const isUp = isThere && said.up === shardCount;
    if (!isUp && ms < flags.within * 1_000) {
      await delay(clock, POLL_MS);
      continue;
    }
    const { violations, identifies, rssMb, fewest, most } = said;
    return {
      phase,
      nodesMs,
      shardsUpMs: isUp ? ms : null,
      lost,
      violations,
      identifies,
      orchestratorCpuMs: sum.cpuMs,
      orchestratorDeafMs: sum.deafMs,
      orchestratorRssMb: rssMb,
      nodesCpuMs: sum.nodesCpuMs,
      fewest,
      most,
    };
  }
}

async function readAll(): Promise<{ said: OrchestratorReading; heard: readonly NodesReading[] }> {
  const peer = orchestrator;
  if (peer === null) throw new Error('There is no orchestrator.');
  peer.tell({});
  const heard = Promise.all(groups.map((group) => ask(group, 'read')));
  const saying = await peer.hear();
  if (saying.kind !== 'reading') throw new Error('The orchestrator did not say how it is.');
  return { said: saying.reading, heard: await heard };
}

async function ask(group: Peer<object, NodesSaying>, what: 'start' | 'read'): Promise<NodesReading> {
  group.tell({ do: what });
  const saying = await group.hear();
  if (saying.kind !== 'reading') throw new Error('The nodes did not say how they are.');
  return saying.reading;
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
