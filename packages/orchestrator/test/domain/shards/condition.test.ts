import { describe, expect, test } from 'vitest';
import { conditionsOf, isUp, shardsNotUp } from '../../../src/domain/shards/condition.js';
import type { ShardCondition } from '../../../src/domain/shards/condition.js';
import { disruptionOf } from '../../../src/domain/migration/limits.js';
import type { ShardLink } from '../../../src/domain/state/shard-link.js';
import type { OrchestratorState, ShardState } from '../../../src/domain/state/state.js';
import { testNode, testSettings, testState } from '../../http/fake-orchestrator.js';
import { drain, rollout, World } from '../world.js';

const NOW = 10_000;
const session = { sessionId: 's', sequence: 7, resumeGatewayUrl: '' };

function link(changes: Partial<ShardLink> = {}): ShardLink {
  return { node: 'a', phase: 'ready', since: 40, refused: null, reason: null, ...changes };
}

function running(changes?: Partial<ShardLink>): ShardState {
  return { kind: 'running', node: 'a', since: 10, ...(changes && { link: link(changes) }) };
}

const vacant: ShardState = { kind: 'vacant', since: 30, notBefore: 0, known: null };
const goBase = testNode('a', {
  connection: { kind: 'connected', connection: 'c', capabilities: [], since: 0, lastHeardAt: 0 },
});

function stateOf(shard: ShardState, changes: Partial<OrchestratorState> = {}): OrchestratorState {
  return testState({ totalShards: 1, shards: [shard], nodes: new Map([['a', testNode('a')]]), ...changes });
}

function migration(step: 'copying' | 'activating') {
  const manifest = { session, events: 0, bytes: 0, hash: '' };
  const steps = {
    copying: { kind: 'copying', session },
    activating: { kind: 'activating', frozenAt: 70, activatedAt: 90, manifest, originReleased: true },
  } as const;
  const about = { shard: 0, origin: 'a', destination: 'b', startedAt: 50, deadline: 99, request: null, epoch: 2 };
  return new Map([['m', { id: 'm', by: 'alice', operation: null, step: steps[step], ...about }]]);
}

const crashes = [{ node: 'x', at: 1, version: 'v1', witnessed: true }];
const identifies = testState().identifies;
const alone = { nodes: new Map() };

describe('the condition of a shard', () => {
  test.each<[what: string, state: OrchestratorState, expected: Partial<ShardCondition>]>([
    ['READY or RESUMED is up, since then', stateOf(running({})), { kind: 'up', since: 40, why: null }],
    [
      'registered is not up: its node has not said that it is connected',
      stateOf(running()),
      { kind: 'starting', since: 10, why: 'its node has not said yet whether it is connected' },
    ],
    [
      'a base-level node, which cannot say more, is taken at its word',
      stateOf(running(), { nodes: new Map([['a', goBase]]) }),
      { kind: 'up', since: 10 },
    ],
    [
      'without heartbeats every node is',
      stateOf(running(), { settings: { ...testSettings, heartbeatIntervalMs: 0 } }),
      { kind: 'up', since: 10 },
    ],
    [
      'a connection that is lost, and tried again',
      stateOf(running({ phase: 'connecting', reason: 'it was closed with 1006' })),
      { kind: 'disconnected', since: 40, why: 'it was closed with 1006', node: 'a' },
    ],
    [
      'refused by Discord for good',
      stateOf(running({ phase: 'disconnected', refused: 4014, reason: 'enable them' })),
      { kind: 'refused', code: 4014, since: 40, why: 'enable them' },
    ],
    ['on its way up for the first time', stateOf(running({ phase: 'identifying' })), { kind: 'starting', since: 40 }],
    [
      'the word of a node that had the shard before does not count',
      stateOf(running({ node: 'z' })),
      { kind: 'starting', since: 10 },
    ],
    [
      'in the queue of those that IDENTIFY: its place, and when its turn comes',
      stateOf(running({ phase: 'waiting' }), {
        identifies: {
          ...identifies,
          budget: { total: 1000, remaining: 900, resetAt: 90_000 },
          keys: { 0: { holder: null, freeAt: 12_000 } },
          waiting: [
            { node: 'b', shard: 5, since: 1 },
            { node: 'a', shard: 0, since: 60 },
          ],
        },
      }),
      { kind: 'waitingToIdentify', since: 60, position: 2, eta: 17_000, why: null },
    ],
    [
      'in that queue when the session starts are used up',
      stateOf(running({ phase: 'waiting' }), {
        identifies: {
          ...identifies,
          budget: { total: 1000, remaining: 3, resetAt: 90_000 },
          waiting: [{ node: 'a', shard: 0, since: 60 }],
        },
      }),
      { kind: 'waitingToIdentify', position: 1, eta: 90_000, why: expect.stringContaining('used up') },
    ],
    [
      'its node is away',
      stateOf({ kind: 'unreachable', node: 'a', since: 20, known: null, checkpoint: null }),
      { kind: 'unreachable', since: 20, node: 'a', why: expect.stringContaining('may still be serving') },
    ],
    [
      'a move whose origin serves: up',
      stateOf({ kind: 'migrating', migration: 'm', link: link() }, { migrations: migration('copying') }),
      { kind: 'up', since: 40, node: 'a' },
    ],
    [
      'a move whose origin has lost its connection',
      stateOf(
        { kind: 'migrating', migration: 'm', link: link({ phase: 'disconnected', reason: 'gone' }) },
        { migrations: migration('copying') },
      ),
      { kind: 'disconnected', since: 40, why: 'gone' },
    ],
    [
      'between its nodes: moving, since it froze',
      stateOf({ kind: 'migrating', migration: 'm', link: link() }, { migrations: migration('activating') }),
      { kind: 'migrating', since: 70, node: 'b' },
    ],
    [
      'between its nodes, and Discord does not answer the destination',
      stateOf(
        {
          kind: 'migrating',
          migration: 'm',
          link: link({ node: 'b', phase: 'resuming', reason: 'HELLO did not come' }),
        },
        { migrations: migration('activating') },
      ),
      { kind: 'migrating', why: expect.stringContaining('HELLO did not come') },
    ],
    [
      'quarantined',
      stateOf(vacant, { crashRecords: new Map([[0, { crashes, lostOn: null, quarantinedAt: 33, liftedFor: null }]]) }),
      { kind: 'quarantined', since: 33, why: expect.stringContaining('nodes x died') },
    ],
    ['vacant, without any node', stateOf(vacant, alone), { kind: 'vacant', since: 30, why: 'no node is connected' }],
    ['vacant, without room', stateOf(vacant), { kind: 'vacant', why: 'no connected node has room for it' }],
    [
      'vacant while the orchestrator waits for its nodes',
      stateOf(vacant, { graceUntil: 99_000 }),
      { kind: 'vacant', why: expect.stringContaining('running nodes are waited for') },
    ],
    [
      'vacant for a while after a failure',
      stateOf({ ...vacant, notBefore: NOW + 2_500 }),
      { kind: 'vacant', why: 'it is started again in 3 s' },
    ],
  ])('%s', (_, state, expected) => {
    const condition = conditionsOf(state, NOW)(0);
    expect(condition).toMatchObject(expected);
    expect(isUp(state, 0)).toBe(condition.kind === 'up');
    expect(shardsNotUp(state, NOW)).toEqual(condition.kind === 'up' ? [] : [{ shard: 0, condition }]);
  });
});

describe('the disruption budget', () => {
  test('counts a shard that runs and is not connected, and not one that Discord refuses', () => {
    const refused = { phase: 'disconnected', refused: 4014 } as const;
    const shards = [running({}), running({ phase: 'disconnected', reason: 'gone' }), running(refused), running()];
    const state = testState({ shards, nodes: new Map([['a', testNode('a')]]) });
    expect(disruptionOf(state)).toMatchObject({ moving: 0, down: 2 });
  });
});

describe('the history', () => {
  test('has one entry for all shards of a node that come up, go down or are refused together', () => {
    const world = new World({ totalShards: 3 }).start();
    const a = world.join('a');
    world.pass(5_000);
    const up = world.recorded('shardsUp').flatMap(({ fields }) => fields['shards']);
    expect(up).toEqual([0, 1, 2]);
    for (const shard of [0, 1]) a.phases.set(shard, { phase: 'disconnected', reason: 'it was closed with 1006' });
    a.phases.set(2, { phase: 'disconnected', refused: 4014, reason: 'enable them' });
    world.beat();
    world.settle();
    world.beat();
    world.settle();
    expect(world.recorded('shardsDisconnected').map(({ text }) => text)).toEqual([
      'Shards 0, 1 on node a: disconnected: it was closed with 1006.',
    ]);
    expect(world.recorded('shardsRefused')).toMatchObject([
      { level: 'error', fields: { node: 'a', shards: [2], code: 4014 } },
    ]);
  });
});

describe('a drain', () => {
  function twoNodes(): World {
    const world = new World({ totalShards: 2 }).start();
    world.join('a');
    world.settle();
    world.join('b');
    world.ask({ kind: 'cordonNode', node: 'b' });
    return world;
  }

  test('moves a shard when it is up, and says meanwhile what it waits for', () => {
    const world = twoNodes();
    const a = world.nodes.get('a')!;
    a.phases.set(1, { phase: 'disconnected', reason: 'it was closed with 1006' });
    world.beat();
    world.settle();
    const request = world.command(drain('a', 'b'));
    world.settle();
    expect(world.truth()).toEqual({ a: [1], b: [0] });
    a.phases.clear();
    world.beat();
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(world.truth()).toEqual({ b: [0, 1] });
  });

  test('that waits for a shard to come up stops when it has waited for long enough, and says for which', () => {
    const world = twoNodes();
    world.nodes.get('a')!.phases.set(1, { phase: 'disconnected', reason: 'it was closed with 1006' });
    world.beat();
    world.settle();
    const request = world.command(drain('a', 'b'));
    world.pass(90_000);
    expect(world.replies.get(request)).toMatchObject({ ok: false });
    expect(JSON.stringify(world.replies.get(request))).toContain('when it is up, and these are not: 1');
    expect(world.truth()).toEqual({ a: [1], b: [0] });
  });

  /**
   * A bot lacked an intent, so that Discord refused its shards (4014). The repaired version could not be rolled out: a
   * shard without a session cannot be moved, and the rollout failed at the first node.
   */
  test('of a rollout heals shards that Discord refuses: they are started anew at the new node', () => {
    const world = new World({ totalShards: 2, canLaunch: true, nodes: 1 }).start();
    world.settle();
    const [old] = [...world.nodes.values()];
    for (const shard of [0, 1]) old!.phases.set(shard, { phase: 'disconnected', refused: 4014, reason: 'intents' });
    world.beat();
    world.settle();
    expect(isUp(world.state, 0)).toBe(false);
    const request = world.command(rollout);
    world.pass(60_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    const placement = world.truth();
    expect(Object.values(placement).flat()).toEqual([0, 1]);
    expect(Object.keys(placement)).not.toContain(old!.id);
  });
});
