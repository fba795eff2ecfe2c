/** A bot asks for a rollout of its fleet, as `client.shard.respawnAll()` does. */
import { CAPABILITIES } from '@dshard/protocol';
import { leakGuard } from '@dshard/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXTENDED } from '../fake-orchestrator.js';
import { world } from './fleet-world.js';

leakGuard({ beforeEach, afterEach });

async function asking() {
  const made = await world();
  const outcome = made.node.fleet.rollout().then(
    (text) => ({ text }),
    (error: unknown) => ({ error }),
  );
  await made.clock.run(10);
  const [request] = made.orchestrator.peer.of('rolloutRequest');
  const answer = (code: string, message: string): Promise<void> =>
    made.tell({ kind: 'rolloutAnswer', requestId: request?.requestId ?? '', code, message });
  return { ...made, outcome, answer };
}

test('a rollout that has begun is told in a sentence', async () => {
  const { outcome, answer, close } = await asking();
  await answer('', 'Replacing 3 nodes, one after the other.');
  expect(await outcome).toEqual({ text: 'Replacing 3 nodes, one after the other.' });
  await close();
});

test('a rollout that may not begin is refused with the reason', async () => {
  const { outcome, answer, close } = await asking();
  await answer('DSO_NODES_MAY_NOT_ROLLOUT', 'A node may not begin a rollout here.');
  expect(await outcome).toMatchObject({
    error: { code: 'DSO_CALL_REFUSED', message: 'A node may not begin a rollout here. (DSO_NODES_MAY_NOT_ROLLOUT)' },
  });
  await close();
});

test('nobody waits for an orchestrator that is lost, or that does not answer', async () => {
  const lost = await asking();
  lost.orchestrator.peer.cut();
  await lost.clock.run(10);
  expect(await lost.outcome).toMatchObject({ error: { code: 'DSO_CALL_NO_ORCHESTRATOR' } });
  await lost.close();
  const silent = await asking();
  await silent.clock.run(10_000);
  expect(await silent.outcome).toMatchObject({ error: { code: 'DSO_CALL_NO_ORCHESTRATOR' } });
  await silent.close();
});

test('an orchestrator of before this capability is not asked', async () => {
  const capabilities = CAPABILITIES.filter((capability) => capability !== 'rollout');
  const { node, close } = await world({}, { ...EXTENDED, capabilities });
  await expect(node.fleet.rollout()).rejects.toMatchObject({ code: 'DSO_CALL_REFUSED', message: /dso rollout/u });
  await close();
});
