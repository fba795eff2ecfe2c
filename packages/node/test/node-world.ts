/**
 * A node on its own, with a host that does nothing and an orchestrator of the test's own, over a network in memory,
 * under a clock that stands still.
 */
import { UserEventRegistry } from '@dshard/protocol';
import { memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import { createNode } from '../src/index.js';
import type { DshardNode, NodeOptions } from '../src/index.js';
import { FakeHost } from './fake-host.js';
import { EXTENDED, FakeOrchestrator } from './fake-orchestrator.js';
import type { Greeting } from './fake-orchestrator.js';

export const ADDRESS = '127.0.0.1:7447';

export async function world(greeting: Greeting | null = EXTENDED, options: Partial<NodeOptions> = {}) {
  const clock = virtualClock();
  const network = memoryNetwork({ clock });
  const orchestrator = new FakeOrchestrator(greeting);
  await orchestrator.listen(network, ADDRESS);
  const host = new FakeHost();
  const logged: string[] = [];
  const log = (_: unknown, message: string): void => void logged.push(message);
  const userEvents = new UserEventRegistry().register(100, 'guild');
  const node = createNode({
    host,
    nodeId: 'a',
    orchestrator: ADDRESS,
    clock,
    random: seededRandom(1),
    transport: network,
    userEvents,
    logger: { debug: log, info: log, warn: log, error: log },
    exitOnShutdown: false,
    ...options,
  });
  const start = async (): Promise<void> => {
    await node.start();
    await clock.run(10);
  };
  const say = async (message: Parameters<FakeOrchestrator['peer']['send']>[0]): Promise<void> => {
    orchestrator.peer.send(message);
    await clock.run(10);
  };
  const reconnect = async (): Promise<void> => {
    orchestrator.peer.cut();
    await clock.run(6_000);
  };
  return { clock, network, orchestrator, host, node, logged, start, say, reconnect };
}

export async function close(node: DshardNode, clock: { run(ms: number): Promise<void> }): Promise<void> {
  const closed = node.close();
  await clock.run(60_000);
  await closed;
}
