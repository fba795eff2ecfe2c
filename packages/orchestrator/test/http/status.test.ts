import { describe, expect, test } from 'vitest';
import type { OrchestratorState } from '../../src/domain/state/state.js';
import type { StatusV1 } from '@dshard/api';
import type { OperationState } from '../../src/domain/state/operations.js';
import { operation, rolloutData, testNode, testSettings, testState } from './fake-orchestrator.js';
import { testServer } from './test-server.js';

const session = { sessionId: 's', sequence: 7, resumeGatewayUrl: '' };

function fleet(changes: Partial<OrchestratorState> = {}): OrchestratorState {
  return testState({
    shards: [
      {
        kind: 'running',
        node: 'a',
        since: 10,
        link: { node: 'a', phase: 'ready', since: 12, refused: null, reason: null },
      },
      { kind: 'migrating', migration: 'm1' },
      { kind: 'starting', node: 'b', since: 20, deadline: 99, known: null, step: 'start' },
      { kind: 'vacant', since: 30, notBefore: 0, known: null },
    ],
    nodes: new Map([
      ['b', testNode('b', { intent: { kind: 'cordoned' } })],
      [
        'a',
        testNode('a', {
          shardReports: [{ shardId: 0, phase: 'ready', pingMs: 31, guilds: -1, events: 5, session: null }],
          process: { memoryBytes: 1, cpuPercent: 2, eventLoopDelayMs: 3, uptimeMs: 4 },
        }),
      ],
      ['z', testNode('z', { connection: { kind: 'disconnected', since: 1_700_000_000_000, gone: true } })],
    ]),
    migrations: new Map([
      [
        'm1',
        {
          id: 'm1',
          shard: 1,
          origin: 'a',
          destination: 'b',
          step: { kind: 'preparing', session },
          startedAt: 40,
          deadline: 99,
          request: null,
          by: 'alice',
          operation: null,
          epoch: 2,
        },
      ],
    ]),
    ...changes,
  });
}

describe('GET /status', () => {
  test('answers with the ancestor’s document, key by key', async () => {
    const { server, orchestrator } = await testServer();
    orchestrator.state = fleet();
    const response = await server.app.inject('/status');
    expect(response.headers['content-type']).toMatch(/application\/json/);
    const node = (id: string, rest: string): string => `{"ID":"${id}","Version":"v1",${rest}}`;
    expect(response.body).toBe(
      `{"Nodes":[${[
        node(
          'a',
          '"SessionEstablished":true,"Shards":[0,1],"Connected":true,"DisconnectedAt":"0001-01-01T00:00:00Z","Blacklisted":false,"MigratingFrom":"","MigratingTo":"b","MigratingShard":1',
        ),
        node(
          'b',
          '"SessionEstablished":true,"Shards":[],"Connected":true,"DisconnectedAt":"0001-01-01T00:00:00Z","Blacklisted":true,"MigratingFrom":"a","MigratingTo":"","MigratingShard":1',
        ),
        node(
          'z',
          '"SessionEstablished":false,"Shards":[],"Connected":false,"DisconnectedAt":"2023-11-14T22:13:20.000Z","Blacklisted":false,"MigratingFrom":"","MigratingTo":"","MigratingShard":0',
        ),
      ].join(',')}]}`,
    );
  });

  test('a node that waits for the total is connected, but its session is not established', async () => {
    const { server, orchestrator } = await testServer();
    const connection = { kind: 'awaitingTotal', connection: 'c', capabilities: [], since: 1, lastHeardAt: 1 } as const;
    orchestrator.state = testState({ nodes: new Map([['a', testNode('a', { connection })]]) });
    const { Nodes } = (await server.app.inject('/status')).json();
    expect(Nodes[0]).toMatchObject({ Connected: true, SessionEstablished: false });
  });

  test('an empty fleet is an empty list', async () => {
    const { server } = await testServer();
    expect((await server.app.inject('/status')).body).toBe('{"Nodes":[]}');
  });
});

/** The same migration, live, after COMMIT. */
function released(): OrchestratorState {
  const state = fleet();
  const step = {
    kind: 'releasing',
    frozenAt: 70,
    manifest: { session, events: 3, bytes: 9, hash: '' },
  } as const;
  const migration = { ...state.migrations.get('m1')!, step };
  return { ...state, migrations: new Map([['m1', migration]]), staleTransfers: 2 };
}

describe('GET /v1/status', () => {
  const get = async (state: OrchestratorState): Promise<StatusV1> => {
    const { server, orchestrator } = await testServer();
    orchestrator.state = state;
    return (await server.app.inject('/v1/status')).json();
  };

  test('tells where a live migration stands, and whose the shard is since it was committed', async () => {
    const status = await get(released());
    expect(status.migrations).toEqual([
      {
        id: 'm1',
        shard: 1,
        origin: 'a',
        destination: 'b',
        step: 'releasing',
        live: true,
        startedAt: 40,
        frozenSince: 70,
      },
    ]);
    expect(status.staleTransfers).toBe(2);
    const shards = status.nodes.map(({ id, shards: own }) => [id, own.map((shard) => shard.id)]);
    expect(shards).toEqual([
      ['a', [0]],
      ['b', [1, 2]],
      ['z', []],
    ]);
  });

  test('tells who runs what, and how it does', async () => {
    const status = await get(fleet());
    expect(status).toMatchObject({
      version: '9.9.9',
      startedAt: 500,
      totalShards: 4,
      graceUntil: null,
      ending: false,
      shardCounts: { vacant: 1, starting: 1, running: 1, stopping: 0, migrating: 1, unreachable: 0 },
      vacantShards: [3],
      migrations: [{ id: 'm1', shard: 1, origin: 'a', destination: 'b', step: 'preparing', startedAt: 40 }],
    });
    const [a, b, z] = status.nodes;
    expect(a).toMatchObject({
      id: 'a',
      host: 'host-1',
      pid: 4242,
      connection: 'connected',
      gone: false,
      intent: 'serving',
      lastHeardAt: 2000,
      process: { memoryBytes: 1 },
    });
    expect(status.conditionCounts).toMatchObject({ up: 1, vacant: 1, starting: 1, migrating: 1, unreachable: 0 });
    expect(status.notUp.map(({ id, condition }) => [id, condition.kind, condition.since])).toEqual([
      [1, 'migrating', 40],
      [2, 'starting', 20],
      [3, 'vacant', 30],
    ]);
    expect(a!.shards).toMatchObject([
      // A host that does not count guilds says -1; nobody else should have to know that.
      { id: 0, state: 'running', since: 10, phase: 'ready', pingMs: 31, guilds: null, events: 5 },
      { id: 1, state: 'migrating', since: null, phase: null, pingMs: null, guilds: null, events: null },
    ]);
    expect(b).toMatchObject({ intent: 'cordoned', shards: [{ id: 2, state: 'starting', since: 20 }] });
    expect(z).toMatchObject({
      connection: 'disconnected',
      gone: true,
      since: 1_700_000_000_000,
      lastHeardAt: null,
      capabilities: [],
    });
  });

  test('does not call another orchestrator’s shards vacant', async () => {
    const vacant = { kind: 'vacant', since: 0, notBefore: 0, known: null } as const;
    const status = await get(
      testState({
        settings: { ...testSettings, responsibleForShards: [0, 1] },
        shards: [vacant, { kind: 'running', node: 'a', since: 1 }, vacant, vacant],
      }),
    );
    expect(status.vacantShards).toEqual([0]);
    expect(status.shardCounts).toMatchObject({ vacant: 1, running: 1 });
  });

  test('tells how far drains and the rollout are', async () => {
    const status = await get(
      fleet({
        operations: new Map<string, OperationState>([
          [
            'r1',
            {
              ...operation('r1', 1),
              kind: 'rollout',
              ...rolloutData({ waiting: ['z'], done: ['y'] }),
            },
          ],
          [
            'd1',
            {
              ...operation('d1', 1),
              parent: 'r1',
              kind: 'drain',
              origins: ['a'],
              destinations: ['b'],
              launched: true,
              shutdown: true,
              until: null,
              phase: 'moving',
              moved: [5],
              failed: [],
              retried: [],
            },
          ],
        ]),
        launches: new Map([
          [
            'l1',
            {
              id: 'l1',
              node: null,
              pid: null,
              since: 3,
              deadline: 9,
              request: null,
              operation: null,
              version: null,
              unwanted: false,
            },
          ],
        ]),
        graceUntil: 5000,
      }),
    );
    expect(status.drains).toEqual([
      {
        id: 'd1',
        origin: 'a',
        destination: 'b',
        shutdown: true,
        until: null,
        phase: 'moving',
        waiting: [0],
        moved: [5],
        failed: [],
        stopped: null,
        startedAt: 1,
      },
    ]);
    expect(status.rollout).toMatchObject({ id: 'r1', phase: 'surging', waiting: ['z'], done: ['y'], startedAt: 1 });
    expect(status.launches).toEqual([{ id: 'l1', node: null, since: 3 }]);
    expect(status.graceUntil).toBe(5000);
  });

  test('shows the identify budget: who waits, which keys are not free', async () => {
    const status = await get(
      testState({
        identifies: {
          maxConcurrency: 2,
          keys: { 0: { holder: { node: 'a', shard: 4 }, freeAt: 0 }, 1: { holder: null, freeAt: 0 } },
          waiting: [{ node: 'b', shard: 6, since: 9 }],
          budget: { total: 2_000, remaining: 1_990, resetAt: 9_000_000_000_000 },
          ledger: { used: 12, until: 8_000_000_000_000 },
          allowed: 3,
          unsure: 0,
          shortSince: 7,
        },
      }),
    );
    expect(status.identifies).toEqual({
      maxConcurrency: 2,
      windowMs: 5_000,
      budget: { total: 2_000, remaining: 1_988, reserve: 100, used: 12, allowed: 3, resetAt: 8_000_000_000_000 },
      shortSince: 7,
      waiting: [{ node: 'b', shard: 6, since: 9 }],
      busyKeys: [{ key: 0, holder: { node: 'a', shard: 4 }, freeAt: 0 }],
    });
  });

  test('never tells sessions or settings', async () => {
    const { server, orchestrator } = await testServer();
    orchestrator.state = fleet();
    const body = (await server.app.inject('/v1/status')).body;
    expect(body).not.toContain('sessionId');
    expect(body).not.toContain('settings');
  });
});
