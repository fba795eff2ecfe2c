/** The orchestrator under test, in a process of its own, with a store on the disk. It can be killed like any other. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { OrchestratorState } from '@dshard/orchestrator';
import { systemClock } from '@dshard/transport';
import { startBenchOrchestrator, type BenchOrchestrator } from '../orchestrator.js';
import { orderVariable } from '../processes.js';
import type { OrchestratorReading, OrchestratorSaying } from './messages.js';

const order = JSON.parse(process.env[orderVariable] ?? '{}') as BenchOrchestrator;
const clock = systemClock();
const started = await startBenchOrchestrator(order, clock);
let identifies = 0;
let violations = 0;
started.orchestrator.onEntry(({ name, text }) => {
  if (name === 'identifyGranted') identifies += 1;
  if (name !== 'protocolViolation' && name !== 'nodeRefused') return;
  violations += 1;
  console.error(text);
});

const deafness = monitorEventLoopDelay({ resolution: 10 });
deafness.enable();
let last = { at: clock.monotonicMs(), cpu: process.cpuUsage() };

const say = (saying: OrchestratorSaying): void => void process.send?.(saying);

process.on('message', () => {
  const at = clock.monotonicMs();
  const cpu = process.cpuUsage();
  const reading: OrchestratorReading = {
    ...figuresOf(started.orchestrator.state),
    identifies,
    violations,
    cpuMs: Math.round((cpu.user - last.cpu.user + cpu.system - last.cpu.system) / 1_000),
    ms: Math.round(at - last.at),
    deafMs: Math.round(deafness.max / 1e6),
    rssMb: Math.round(process.memoryUsage.rss() / 1_048_576),
  };
  last = { at, cpu };
  deafness.reset();
  say({ kind: 'reading', reading });
});
say({ kind: 'listening', address: started.address });

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
