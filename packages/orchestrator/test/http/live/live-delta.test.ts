/** What a reader has after a snapshot and all deltas is what somebody who comes only now is given. */
import { applyDelta, type LiveSnapshot } from '@dshard/api/live';
import type { ShardPhase } from '@dshard/protocol';
import { virtualClock } from '@dshard/testkit';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { upLink } from '../../../src/domain/state/shard-link.js';
import type { NodeState, OrchestratorState, ShardState } from '../../../src/domain/state/state.js';
import { deltaBetween } from '../../../src/http/live/live-delta.js';
import { LiveView } from '../../../src/http/live/live-view.js';
import { fakeOrchestrator, testNode, testState, type FakeOrchestrator } from '../fake-orchestrator.js';

const SHARDS = 6;
const NODES = ['a', 'b', 'c'];
const ABOUT = { version: '1.2.3', leader: { host: 'here', pid: 1 } };

type Change = { kind: string; shard: number; node: string; events: number };

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(
    'run',
    'vacate',
    'disconnect',
    'wait',
    'migrate',
    'arrive',
    'quarantine',
    'join',
    'leave',
    'hear',
    'cordonHost',
    'alarm',
    'happen',
    'time',
    'total',
    'nothing',
  ),
  shard: fc.nat(SHARDS - 1),
  node: fc.constantFrom(...NODES),
  events: fc.nat(5_000),
});

function changed(state: OrchestratorState, { kind, shard, node, events }: Change, now: number): OrchestratorState {
  const withShard = (next: ShardState): OrchestratorState => ({
    ...state,
    shards: state.shards.map((each, id) => (id === shard ? next : each)),
  });
  const linked = (phase: ShardPhase): ShardState => ({
    kind: 'running',
    node,
    since: now,
    link: { ...upLink(node, now), phase },
  });
  const withNode = (patch: Partial<NodeState>): OrchestratorState => ({
    ...state,
    nodes: new Map(state.nodes).set(node, { ...(state.nodes.get(node) ?? testNode(node)), ...patch }),
  });
  switch (kind) {
    case 'run':
      return withShard(linked('ready'));
    case 'disconnect':
      return withShard(linked('disconnected'));
    case 'vacate':
      return withShard({ kind: 'vacant', since: now, notBefore: 0, known: null });
    case 'wait': {
      const waiting = [...state.identifies.waiting, { node, shard, since: now }];
      const next = withShard(linked('waiting'));
      return { ...next, identifies: { ...next.identifies, waiting } };
    }
    case 'migrate': {
      const id = `m${shard}`;
      const common = { deadline: now + 1_000, request: null, by: 'test', operation: null, epoch: 2, startedAt: now };
      const migration = {
        id,
        shard,
        origin: node,
        destination: 'b',
        step: { kind: 'openingOrigin' },
        ...common,
      } as const;
      const next = withShard({ kind: 'migrating', migration: id, link: upLink(node, now) });
      return { ...next, migrations: new Map(state.migrations).set(id, migration) };
    }
    case 'arrive': {
      const migrations = new Map(state.migrations);
      migrations.delete(`m${shard}`);
      return { ...withShard(linked('ready')), migrations };
    }
    case 'quarantine': {
      const record = { crashes: [], lostOn: null, quarantinedAt: now, liftedFor: null };
      return { ...state, crashRecords: new Map(state.crashRecords).set(shard, record) };
    }
    case 'join':
      return withNode({});
    case 'leave': {
      const nodes = new Map(state.nodes);
      nodes.delete(node);
      return { ...state, nodes };
    }
    case 'hear': {
      const report = { shardId: shard, phase: 'ready', pingMs: 20, guilds: 10, events, session: null } as const;
      return withNode({ shardReports: [report] });
    }
    case 'cordonHost':
      return {
        ...state,
        hosts: new Map(state.hosts).set('host-1', { cordoned: { since: now, by: 'x' }, deadSince: null }),
      };
    case 'total':
      return { ...state, shards: state.shards.slice(0, SHARDS - 1), totalShards: SHARDS - 1 };
    default:
      return state;
  }
}

function act(orchestrator: FakeOrchestrator, clock: ReturnType<typeof virtualClock>, each: Change): void {
  if (each.kind === 'happen') orchestrator.happen(`entry ${each.events}`);
  if (each.kind === 'time') clock.advance(each.events);
  if (each.kind === 'alarm') {
    const alarm = { key: `k${each.shard}`, kind: 'shardsDown', level: 'error', since: 1, raisedAt: 2 } as const;
    const told = { ...alarm, reason: `${each.events} down`, remedy: 'mend', shards: [each.shard], nodes: [] };
    const { standing } = orchestrator;
    orchestrator.standing = standing.length > 2 ? [] : [...standing, { ...told, key: `k${standing.length}` }];
  }
  orchestrator.state = changed(orchestrator.state, each, clock.now());
}

const vacant: ShardState = { kind: 'vacant', since: 1, notBefore: 0, known: null };

function scene(): { orchestrator: FakeOrchestrator; clock: ReturnType<typeof virtualClock>; view: LiveView } {
  const orchestrator = fakeOrchestrator();
  orchestrator.state = testState({ totalShards: SHARDS, shards: Array.from({ length: SHARDS }, () => vacant) });
  const clock = virtualClock();
  const view = new LiveView(orchestrator, clock, ABOUT);
  orchestrator.onEntry((entry) => view.note(entry));
  return { orchestrator, clock, view };
}

/** What does not depend on what was seen before: numbers of nodes, rates, and when something was first noticed do. */
function told(snapshot: LiveSnapshot): unknown {
  const { nodes, figures: _, shards, ...rest } = snapshot;
  const named = shards.node.map((place) => nodes[place]?.id ?? null);
  const known = nodes.flatMap((node) => (node === null ? [] : { ...node, suspicion: node.suspicion?.kind }));
  const inOrder = known.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { ...rest, nodes: inOrder, shards: { condition: shards.condition, since: shards.since, node: named } };
}

/** As a reader gets it. */
function received<T>(sent: T): T {
  return JSON.parse(JSON.stringify(sent)) as T;
}

describe('A snapshot and all deltas since', () => {
  test('are the snapshot of now, whatever happened meanwhile', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 25 }), (steps) => {
        const { orchestrator, clock, view } = scene();
        let before = view.look();
        let reader = received(before);
        for (const changes of steps) {
          for (const each of changes) act(orchestrator, clock, each);
          const after = view.look();
          const delta = deltaBetween(before, after);
          if (delta !== null) reader = applyDelta(reader, received(delta));
          expect({ ...reader, now: 0 }).toEqual({ ...received(after), now: 0 });
          before = after;
        }
      }),
    );
  });

  test('are what somebody who comes only now is given', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 25 }), (steps) => {
        const { orchestrator, clock, view } = scene();
        for (const changes of steps) {
          view.look();
          for (const each of changes) act(orchestrator, clock, each);
        }
        // Progress is looked at a little later than the rest.
        clock.advance(1_000);
        expect(told(view.look())).toEqual(told(new LiveView(orchestrator, clock, ABOUT).look()));
      }),
    );
  });

  test('say nothing where nothing has changed: the same objects come again', () => {
    const { orchestrator, clock, view } = scene();
    for (const kind of ['join', 'run', 'migrate', 'wait', 'alarm', 'happen', 'hear']) {
      act(orchestrator, clock, { kind, shard: 1, node: 'a', events: 7 });
    }
    const before = view.look();
    orchestrator.state = {
      ...orchestrator.state,
      shards: [...orchestrator.state.shards],
      nodes: new Map(orchestrator.state.nodes),
    };
    const after = view.look();
    expect(deltaBetween(before, after)).toBeNull();
    expect(after.shards).toBe(before.shards);
    expect(after.nodes).toBe(before.nodes);
  });

  test('name a shard that has moved, and nothing else', () => {
    const { orchestrator, clock, view } = scene();
    for (const node of ['a', 'b']) act(orchestrator, clock, { kind: 'join', shard: 0, node, events: 0 });
    act(orchestrator, clock, { kind: 'run', shard: 2, node: 'a', events: 0 });
    const before = view.look();
    act(orchestrator, clock, { kind: 'run', shard: 2, node: 'b', events: 0 });
    const delta = deltaBetween(before, view.look());
    expect(delta).toMatchObject({ shards: { length: SHARDS, id: [2], node: [1], condition: [0] } });
    expect(Object.keys(delta ?? {}).sort()).toEqual(['now', 'shards']);
  });
});
