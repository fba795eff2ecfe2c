/** A node: the production session, and a host that does what it is told at some time. */
import type { Decide as DecideShard } from '@dshard/node/gateway-shard';
import type { decide, HostCall, HostOutcome, NodeEffect, NodeEvent } from '@dshard/node/session';
import type { DomainEvent } from '@dshard/orchestrator/domain';
import type { Message } from '@dshard/protocol';
import { begin as beginShard, close, detach, freeze, hostCursor, phaseOf, setHost, tell } from './gateway.js';
import { SHARD, withNode, withoutNode, type ModelNode, type Pending, type World } from './world.js';

const STATE_EVENT = 100;

/** Seeded bugs replace it. */
export type DecideNode = typeof decide;

/** The reducers of a node's process: its session, and its gateway shards. */
export type NodeReducers = { node: DecideNode; shard: DecideShard };

export function nodeHears(world: World, id: string, event: NodeEvent, decideNode: DecideNode): World {
  const node = world.nodes.get(id);
  if (node === undefined) return world;
  const { state, effects } = decideNode(node.state, event, world.now);
  let next = withNode(world, id, { ...node, state });
  for (const effect of effects) next = carryOut(next, id, effect);
  return next;
}

function change(world: World, id: string, to: (node: ModelNode) => Partial<ModelNode>): World {
  const node = world.nodes.get(id);
  return node === undefined ? world : withNode(world, id, { ...node, ...to(node) });
}

function begin(world: World, id: string, pending: Pending): World {
  return change(world, id, (node) => ({ pending: [...node.pending, pending] }));
}

function say(world: World, id: string, message: Message): World {
  return change(world, id, ({ connection }) => {
    if (connection === null) return {};
    const said =
      message.kind === 'identify'
        ? {
            kind: 'identify' as const,
            connection: `c${connection.id}`,
            message,
            peer: { remote: '127.0.0.1', loopback: true, proof: 'none' as const },
          }
        : { kind: 'message' as const, connection: `c${connection.id}`, message };
    return { connection: { ...connection, toOrchestrator: [...connection.toOrchestrator, said] } };
  });
}

function carryOut(world: World, id: string, effect: NodeEffect): World {
  switch (effect.kind) {
    case 'connect':
      return begin(world, id, { kind: 'connecting' });
    case 'identify':
    case 'send':
      return say(world, id, effect.message);
    case 'opened': {
      const session = hostCursor(world.nodes.get(id)?.host ?? { kind: 'none' });
      return say(world, id, { ...effect.message, session });
    }
    case 'closeConnection':
      return leaveConnection(world, id, world.nodes.get(id)?.connection?.toOrchestrator ?? []);
    case 'dropConnection':
      return leaveConnection(world, id, []);
    case 'call':
      return begin(world, id, { kind: 'call', call: effect.call, request: effect.request, cancelled: false });
    case 'abortTransfer':
      return change(world, id, ({ pending }) => ({
        pending: pending.map((each) =>
          each.kind === 'call' && each.call === effect.call ? { ...each, cancelled: true } : each,
        ),
      }));
    case 'handleUserEvent': {
      const staged = effect.body[0] ?? null;
      const handling = { kind: 'handling', stage: effect.stage, bytes: effect.body.byteLength } as const;
      return begin(
        change(world, id, () => ({ staged })),
        id,
        handling,
      );
    }
    case 'abortStaging':
      return change(world, id, ({ pending }) => ({
        staged: null,
        pending: pending.filter((each) => each.kind !== 'handling' || each.stage !== effect.stage),
      }));
    case 'released':
      return setHost(detach(world, id), id, { kind: 'none' });
    case 'wakeAt':
      return change(world, id, () => ({ wakeAt: effect.at }));
    // No node of the model has a token.
    case 'checkChallenge':
    case 'prove':
    case 'leaderIs':
    case 'grantPermit':
    case 'established':
    case 'leased':
    case 'answered':
    case 'heartbeat':
    case 'reading':
    case 'credit':
    case 'preconnect':
    case 'endPatience':
    case 'stays':
    case 'log':
      return world;
    case 'drained':
      return begin(world, id, { kind: 'lingering' });
    case 'left':
      return withoutNode(world, id);
  }
}

/** The node's end of the connection is gone; the orchestrator hears of it behind what was said. */
function leaveConnection(world: World, id: string, said: readonly (DomainEvent | 'end')[]): World {
  const connection = world.nodes.get(id)?.connection ?? null;
  if (connection === null) return world;
  const lost = { kind: 'connectionClosed', connection: `c${connection.id}`, reason: 'closed' } as const;
  const heard = said.filter((one) => one !== 'end');
  return { ...change(world, id, () => ({ connection: null })), outside: [...world.outside, ...heard, lost] };
}

/** The connection is gone for the node, without a word. */
export function disconnect(world: World, id: string, decideNode: DecideNode): World {
  const connection = world.nodes.get(id)?.connection ?? null;
  if (connection === null) return world;
  const gone = change(world, id, () => ({ connection: null }));
  return nodeHears(
    gone,
    id,
    { kind: 'disconnected', connection: connection.id, reason: 'reset', jitter: 0 },
    decideNode,
  );
}

/** Something that is under way in the node ends. */
export function complete(
  world: World,
  id: string,
  pending: Pending,
  { node: decideNode, shard: decideShard }: NodeReducers,
): World {
  const rest = change(world, id, (node) => ({ pending: node.pending.filter((each) => each !== pending) }));
  if (pending.kind === 'connecting') {
    if (rest.orchestrator === null) {
      return nodeHears(rest, id, { kind: 'connectFailed', reason: 'refused', jitter: 0 }, decideNode);
    }
    const connection = { id: rest.nextConnection, toNode: [], toOrchestrator: [] };
    const connected = change({ ...rest, nextConnection: rest.nextConnection + 1 }, id, () => ({ connection }));
    return nodeHears(connected, id, { kind: 'connected', connection: connection.id, nonce: null }, decideNode);
  }
  if (pending.kind === 'lingering') return nodeHears(rest, id, { kind: 'departed' }, decideNode);
  if (pending.kind === 'loading') return tell(rest, id, { kind: 'loaded' }, decideShard);
  if (pending.kind === 'handling') {
    const { stage, bytes } = pending;
    return nodeHears(
      rest,
      id,
      { kind: 'userEventHandled', stage, shardId: SHARD, events: 1, bytes, failure: null },
      decideNode,
    );
  }
  const { call, request, cancelled } = pending;
  const failed: HostOutcome = { ok: false, timedOut: false, message: 'it was aborted' };
  const sends = request.method === 'exportState' || request.method === 'exportDelta';
  let next = rest;
  let outcome: HostOutcome = failed;
  if (sends && !cancelled) {
    const host = rest.nodes.get(id)?.host;
    const state = host === undefined || host.kind === 'none' ? null : host.state;
    const body = new Uint8Array(state === null ? [] : [state]);
    next = nodeHears(
      rest,
      id,
      { kind: 'userEventProduced', call, shardId: SHARD, eventId: STATE_EVENT, body },
      decideNode,
    );
    outcome = { ok: true, session: null };
  } else if (!sends) {
    [next, outcome] = act(rest, id, request, decideShard);
  }
  return nodeHears(next, id, { kind: 'callEnded', call, shardIds: [SHARD], outcome }, decideNode);
}

/** What the host does. */
function act(world: World, id: string, request: HostCall, decideShard: DecideShard): [World, HostOutcome] {
  const node = world.nodes.get(id);
  const host = node?.host ?? { kind: 'none' };
  const cursor = hostCursor(host);
  const done: HostOutcome = { ok: true, session: null };
  switch (request.method) {
    case 'startShards':
      return [
        host.kind === 'none' ? beginShard(world, id, { session: null, state: null, how: null }, decideShard) : world,
        done,
      ];
    case 'resumeShard': {
      const isOwn = phaseOf(host) === 'closed' && cursor?.sequence === request.session.sequence;
      const own = isOwn && host.kind === 'shard' ? host.state : null;
      const unstaged = change(close(world, id, decideShard), id, () => ({ staged: null }));
      const { session, how = null } = request;
      const state = node?.staged ?? own;
      const begun = beginShard(unstaged, id, { session, state, how }, decideShard);
      return [how?.stateLost === true ? begin(begun, id, { kind: 'loading' }) : begun, done];
    }
    case 'stopShard': {
      const closed = close(world, id, decideShard);
      const session = request.keepSession ? hostCursor(closed.nodes.get(id)?.host ?? { kind: 'none' }) : null;
      return [setHost(closed, id, { kind: 'none' }), { ok: true, session }];
    }
    case 'freeze': {
      const frozen = freeze(world, id, decideShard);
      if (frozen === null) return [world, { ok: false, timedOut: false, message: 'the shard is not up' }];
      return [frozen[0], { ok: true, session: frozen[1] }];
    }
    case 'unfreeze':
      return [tell(world, id, { kind: 'unfreeze' }, decideShard), done];
    case 'release':
      return [close(world, id, decideShard), done];
    case 'exportAll':
    case 'prepareTransferTo':
    case 'exportState':
    case 'exportDelta':
    case 'leaving':
    case 'warm':
    case 'preconnect':
      return [world, done];
  }
}
