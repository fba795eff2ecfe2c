/** One node whose shards have as much state as the load says: each export sends all of it. */
import { createNode, type ShardHost } from '@dshard/node';
import { silentLogger, delay, systemClock } from '@dshard/transport';
import { lightHost } from '../light-fleet/light-host.js';
import { orderVariable } from '../processes.js';
import { Arrivals, registry, valuesOf, type NodeOrder, type Saying } from './messages.js';
import { answerUsage } from './usage.js';

const { orchestrator, nodeId, load, slowMs } = JSON.parse(process.env[orderVariable] ?? '{}') as NodeOrder;
const clock = systemClock();
const arrivals = new Arrivals(load);
const say = (saying: Saying): void => void process.send?.(saying);

const host: ShardHost = {
  ...lightHost(),
  async exportState(_shardId, { send }) {
    for (const [event, value] of valuesOf(load)) await send(event, value);
  },
  async exportDelta() {},
  async abortTransferTo() {},
  async unfreeze() {},
  async release() {},
  handleUserEvent(_shardId, _event, value) {
    const arrived = arrivals.take(value, clock.monotonicMs());
    if (arrived !== null) say(arrived);
    return slowMs > 0 ? delay(clock, slowMs) : undefined;
  },
};
const node = createNode({
  host,
  nodeId,
  orchestrator,
  userEvents: registry(),
  logger: silentLogger,
  exitOnShutdown: false,
});
answerUsage();
void node.start();
