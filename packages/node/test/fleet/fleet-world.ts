/** A real node and a scripted orchestrator, in memory, with a fleet call between them. */
import type { CallAsk, CallEnded, CallStart, Message } from '@dshard/protocol';
import { memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import { createNode } from '../../src/index.js';
import type { NodeOptions } from '../../src/index.js';
import { FakeHost } from '../fake-host.js';
import { EXTENDED, FakeOrchestrator } from '../fake-orchestrator.js';
import type { Greeting } from '../fake-orchestrator.js';

export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
export const read = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
export const NOTHING = new Uint8Array(0);

export async function world(options: Partial<NodeOptions> = {}, greeting: Greeting = EXTENDED) {
  const clock = virtualClock();
  const transport = memoryNetwork({ clock });
  const orchestrator = new FakeOrchestrator(greeting);
  await orchestrator.listen(transport, '127.0.0.1:1');
  const host = new FakeHost();
  const node = createNode({
    host,
    nodeId: 'a',
    orchestrator: '127.0.0.1:1',
    clock,
    transport,
    random: seededRandom(1),
    ...options,
  });
  await node.start();
  await clock.run(10);
  const tell = async (message: Message): Promise<void> => {
    orchestrator.peer.send(message);
    await clock.run(10);
  };
  await tell({ kind: 'startShards', shardIds: [1, 2] });
  const ask = async (
    more: Partial<CallAsk>,
  ): Promise<{ shards: readonly number[]; value: unknown; error: string | null }[]> => {
    const askId = `q${orchestrator.peer.received.length}`;
    await tell({
      kind: 'callAsk',
      askId,
      name: 'h',
      args: json(null),
      each: 'node',
      shards: [1, 2],
      timeoutMs: 1_000,
      ...more,
    });
    const answer = orchestrator.peer.of('callAnswer').find((one) => one.askId === askId);
    return (answer?.answers ?? []).map(({ shards, value, error }) => ({
      shards,
      value: value.length === 0 ? null : read(value),
      error,
    }));
  };
  const started = (): CallStart => orchestrator.peer.of('callStart').at(-1)!;
  const endWith = (more: Partial<CallEnded>): Promise<void> =>
    tell({ kind: 'callEnded', callId: started().callId, answers: [], missing: [], error: null, ...more });
  const close = async (): Promise<void> => {
    const closed = node.close();
    await clock.run(30_000);
    await closed;
    await orchestrator.close();
  };
  return { clock, orchestrator, host, node, tell, ask, started, endWith, close };
}
