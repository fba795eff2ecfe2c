/** The orchestrator between the nodes: as `dso up` starts it, with its store on the disk. */
import { delay, systemClock } from '@dshard/transport';
import { startBenchOrchestrator, type BenchOrchestrator } from '../orchestrator.js';
import { orderVariable } from '../processes.js';
import type { Saying } from './messages.js';
import { answerUsage } from './usage.js';

const order = JSON.parse(process.env[orderVariable] ?? '{}') as BenchOrchestrator;
const clock = systemClock();
const { orchestrator, address } = await startBenchOrchestrator(order, clock, { rebalance: 'off' });
const say = (saying: Saying): void => void process.send?.(saying);
answerUsage();
process.on('message', (message: { do: string; to?: string }) => {
  if (message.do === 'migrate') void migrate(message.to ?? '');
});
say({ kind: 'ready', port: Number(address.slice(address.lastIndexOf(':') + 1)) });

/** Shard 0 goes to a node, as soon as both are there and it serves. */
async function migrate(to: string): Promise<void> {
  for (;;) {
    const shard = orchestrator.state.shards[0];
    const isUp = shard?.kind === 'running' && shard.link?.phase === 'ready';
    if (isUp && shard.node === to) break;
    if (isUp && orchestrator.state.nodes.get(to)?.connection.kind === 'connected') {
      const outcome = await orchestrator.command({ kind: 'migrateShard', shard: 0, destination: to });
      if (!outcome.ok) console.error(outcome.error.message);
    }
    await delay(clock, 10);
  }
  say({ kind: 'done' });
}
