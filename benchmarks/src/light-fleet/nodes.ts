/** Many light nodes in one process, each with a connection of its own to the orchestrator. */
import { createNode } from '@dshard/node';
import { silentLogger } from '@dshard/transport';
import { orderVariable } from '../processes.js';
import { lightNode } from './fleet.js';
import { lightHost, stateEvents } from './light-host.js';
import type { NodesAsked, NodesOrder, NodesSaying } from './messages.js';

const { orchestrator, from, to, stateKb } = JSON.parse(process.env[orderVariable] ?? '{}') as NodesOrder;
const say = (saying: NodesSaying): void => void process.send?.(saying);

let lost: Record<string, number> = {};
let lastCpu = process.cpuUsage();
const nodes = Array.from({ length: to - from }, (_, index) => {
  const nodeId = lightNode(from + index);
  const node = createNode({
    host: lightHost(stateKb),
    nodeId,
    orchestrator,
    userEvents: stateEvents,
    logger: silentLogger,
    exitOnShutdown: false,
  });
  node.on('status', (status) => {
    if (status.kind !== 'waiting') return;
    const reason = status.reason.replaceAll(/:\d+/g, '');
    lost[reason] = (lost[reason] ?? 0) + 1;
  });
  return node;
});

process.on('message', (order: NodesAsked) => {
  if (order.do === 'start') for (const node of nodes) void node.start();
  const cpu = process.cpuUsage();
  const cpuMs = Math.round((cpu.user - lastCpu.user + cpu.system - lastCpu.system) / 1_000);
  const established = nodes.filter(({ status }) => status.kind === 'established').length;
  say({ kind: 'reading', reading: { established, lost, cpuMs } });
  lost = {};
  lastCpu = cpu;
});
say({ kind: 'ready' });
