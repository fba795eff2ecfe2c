/** A REST interface over a made-up state, and `dso` that asks it. */
import { onTestFinished } from 'vitest';
import type { OrchestratorState, ShardState } from '../../orchestrator/src/domain/state/state.js';
import { testNode, testState, type FakeOrchestrator } from '../../orchestrator/test/http/fake-orchestrator.js';
import { testServer } from '../../orchestrator/test/http/test-server.js';
import { runDso, type Dso } from './dso.js';

export type FakeFleet = {
  orchestrator: FakeOrchestrator;
  address: string;
  dso(this: void, ...args: string[]): Dso['done'];
};

/** Two nodes, three shards that are up on them, and one that nobody runs. */
function smallFleet(): OrchestratorState {
  return testState({
    shards: [up('web-1'), up('web-1'), up('web-2'), { kind: 'vacant', since: 1, notBefore: 0, known: null }],
    nodes: new Map([
      ['web-1', testNode('web-1')],
      ['web-2', testNode('web-2', { intent: { kind: 'cordoned' }, version: 'v2' })],
    ]),
  });
}

export function up(node: string): ShardState {
  return { kind: 'running', node, since: 1, link: { node, phase: 'ready', since: 1, refused: null, reason: null } };
}

export async function fakeFleet(state: OrchestratorState = smallFleet()): Promise<FakeFleet> {
  const { server, orchestrator } = await testServer();
  orchestrator.state = state;
  const address = await server.start();
  onTestFinished(() => server.close());
  return { orchestrator, address, dso: (...args) => runDso(args, { environment: { DSO_CLI_ADDR: address } }) };
}
