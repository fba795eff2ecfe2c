/** The orchestrator under test, in a process of its own, with a store on the disk. It can be killed like any other. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { OrchestratorState } from '@dshard/orchestrator';
import { systemClock } from '@dshard/transport';
import { startBenchOrchestrator } from '../orchestrator.js';
import { orderVariable } from '../processes.js';
import type {
  DrainReading,
  OrchestratorAsked,
  OrchestratorOrder,
  OrchestratorReading,
  OrchestratorSaying,
} from './messages.js';

const NS_PER_MS = 1e6;

const { settings, ...order } = JSON.parse(process.env[orderVariable] ?? '{}') as OrchestratorOrder;
const clock = systemClock();
const { orchestrator, address } = await startBenchOrchestrator(order, clock, settings);
let identifies = 0;
let violations = 0;
let frozenMs: number[] = [];
let mostDown = 0;
orchestrator.onEntry(({ name, text, fields }) => {
  if (name === 'identifyGranted') identifies += 1;
  if (name === 'migrationCompleted' && typeof fields['frozenMs'] === 'number') frozenMs.push(fields['frozenMs']);
  if (name === 'migrationStarted') mostDown = Math.max(mostDown, Number(fields['moving']) + Number(fields['down']));
  if (name !== 'protocolViolation' && name !== 'nodeRefused') return;
  violations += 1;
  console.error(text);
});

const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();
let last = { at: clock.monotonicMs(), cpu: process.cpuUsage() };

const say = (saying: OrchestratorSaying): void => void process.send?.(saying);

process.on('message', (asked: OrchestratorAsked) => {
  if (asked.do === 'read') say({ kind: 'reading', reading: read() });
  else void drain(asked.origins).then((reading) => say({ kind: 'drained', reading }));
});
say({ kind: 'listening', address });

function read(): OrchestratorReading {
  const at = clock.monotonicMs();
  const cpu = process.cpuUsage();
  const reading = {
    ...figuresOf(orchestrator.state),
    identifies,
    violations,
    cpuMs: Math.round((cpu.user - last.cpu.user + cpu.system - last.cpu.system) / 1_000),
    ms: Math.round(at - last.at),
    delayP99Ms: Math.round(loop.percentile(99) / NS_PER_MS),
    delayMaxMs: Math.round(loop.max / NS_PER_MS),
    rssMb: Math.round(process.memoryUsage.rss() / 1_048_576),
  };
  last = { at, cpu };
  loop.reset();
  return reading;
}

async function drain(origins: readonly string[]): Promise<DrainReading> {
  frozenMs = [];
  mostDown = 0;
  const startedAt = clock.monotonicMs();
  const plan = { kind: 'drain', origins, destination: null, shutdown: false, deadline: null } as const;
  const outcome = await orchestrator.command({ kind: 'startOperation', plan, answer: 'ended' });
  const ms = Math.round(clock.monotonicMs() - startedAt);
  return { ok: outcome.ok, text: outcome.ok ? outcome.message : outcome.error.message, ms, frozenMs, mostDown };
}

function figuresOf({
  nodes,
  shards,
}: OrchestratorState): Pick<OrchestratorReading, 'nodes' | 'up' | 'owned' | 'fewest' | 'most'> {
  const loads = new Map(
    [...nodes].flatMap(([id, { connection }]) => (connection.kind === 'connected' ? [[id, 0]] : [])),
  );
  let up = 0;
  let owned = 0;
  for (const shard of shards) {
    if (shard.kind !== 'running' && shard.kind !== 'starting') continue;
    owned += 1;
    if (shard.kind === 'running' && shard.link?.phase === 'ready') up += 1;
    loads.set(shard.node, (loads.get(shard.node) ?? 0) + 1);
  }
  const each = [...loads.values()];
  return {
    nodes: loads.size,
    up,
    owned,
    fewest: each.length === 0 ? 0 : Math.min(...each),
    most: Math.max(0, ...each),
  };
}
